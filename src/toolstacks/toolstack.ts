import type { DomainEdits, EditOptions } from '../formats/domain-file.ts';
import type { Argv, Reader } from '../model/host.ts';
import type { Before, Look, Node, Step } from '../model/step.ts';
import type { Guest, Install, Lab, SharedDisk } from '../spec/lab.ts';
import type { Placed } from '../steps/file-content.ts';

/** What makes and runs guests on a dom0: the seam between the recipes and libvirt, or xm, the document's. */
export interface Toolstack {
  /** Packages on dom0, by their names in its distribution. */
  packages(lab: Lab): readonly string[];
  /** Sees that packages are there, in the way of the dom0's distribution. */
  tools(placed: Placed, names: readonly string[]): Step;
  /** What cp(1) there is told, for a copy that is cheap and sparse. */
  readonly copy: readonly string[];
  /** Whether dom0's address is on the bridge itself, or on a card that is attached to it. */
  readonly addressOnBridge: boolean;
  /** MiB that Xen has left for guests. */
  freeMemory(look: Look): Promise<number>;
  /** Runs the distribution's installer in the default image, unattended. */
  install(lab: Lab, from: Extract<Install, { by: 'virtInstall' }>, placed: Placed): readonly Step[];
  /** What /etc/xen/Default says where no installer wrote one. */
  defaultDomainFile(lab: Lab): string;
  /** What a guest's domain file must say. */
  domainEdits(lab: Lab, guest: Guest): DomainEdits;
  /** Remarks above the new lines, with `annotate: true`. */
  domainNotes?(guest: Guest): NonNullable<EditOptions['notes']>;
  /** Sees that a disk is raw and shareable in the domains that run, whatever the files say. */
  shared?(lab: Lab, disk: SharedDisk, after: readonly Node[]): Step;
  /** What the toolstack calls the state of the guest's domain: running, paused, shut off …; undefined: it knows none. */
  domainState(dom0: Reader, guest: Pick<Guest, 'name'>): Promise<string | undefined>;
  /** The id of the guest's domain: another one after each start; undefined: it is off. */
  domainId(dom0: Reader, guest: Guest): Promise<string | undefined>;
  /** Stops the guest dead, as no guest stops by itself: its processors stand still, or its power is cut. */
  stopDead(guest: Guest, how: 'pause' | 'destroy'): Argv;
  /** Whether the guest runs, asked on dom0. */
  isRunning(look: Look, guest: Pick<Guest, 'name'>): Promise<boolean>;
  /** No other domain of this dom0 has a name, uuid or MAC of ours. */
  unique(lab: Lab, after: readonly Node[]): Step;
  /** Boots the guest (its domain known to the toolstack), and waits until it answers: provides the host. */
  boot(lab: Lab, guest: Guest, after: Before): readonly Step[];
  /** Stops the guest, by asking it to. */
  stop(lab: Lab, guest: Pick<Guest, 'name' | 'domainFile'>, after: readonly Node[]): Step;
  /**
   * Powers off for good, and forgets, every domain with this lab's mark: also those of guests that lab.yaml no longer has.
   * @param only this guest's alone
   */
  forget(lab: Lab, after: readonly Node[], only?: Pick<Guest, 'name'>): Step;
  /** Gives a domain that was adopted back as it was. Where the domain file is all there is of one, nothing more is to do. */
  restore?(lab: Lab, guest: Pick<Guest, 'name'>, after: readonly Node[]): Step;
  /** Ends an installation of the default image that a run which was killed left under way. */
  abandon(lab: Lab, after: readonly Node[]): Step;
  /** A program on dom0 that shows the guest's console. */
  console(guest: Guest): readonly [string, ...string[]];
}
