import type { DomainEdits } from '../formats/domain-file.ts';
import type { Look, Node, Step } from '../model/step.ts';
import type { Guest, Lab } from '../spec/lab.ts';

/** What makes and runs guests on a dom0: the seam between the recipes and libvirt (or xm, the document's). */
export interface Toolstack {
  /** Debian packages on dom0. */
  readonly packages: readonly string[];
  /** What /etc/xen/Default says where no installer wrote one. */
  defaultDomainFile(lab: Lab): string;
  /** What a guest's domain file must say. */
  domainEdits(lab: Lab, guest: Guest): DomainEdits;
  /** Whether the guest runs, asked on dom0. */
  isRunning(look: Look, guest: Guest): Promise<boolean>;
  /** No other domain of this dom0 has a name, uuid or MAC of ours. */
  unique(lab: Lab, after: readonly Node[]): Step;
  /** Boots the guest (its domain known to the toolstack), and waits until it answers: provides the host. */
  boot(lab: Lab, guest: Guest, after: readonly Node[]): readonly Step[];
  /** Stops the guest, by asking it to. */
  stop(lab: Lab, guest: Guest, after: readonly Node[]): Step;
  /** Forgets the guest's domain, if it is this lab's. */
  forget(lab: Lab, guest: Guest, after: readonly Node[]): Step;
  /** A program on dom0 that shows the guest's console. */
  console(guest: Guest): readonly [string, ...string[]];
}
