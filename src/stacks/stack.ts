import type { Argv, Reader } from '../model/host.ts';
import type { Look, Node, Step } from '../model/step.ts';
import type { Guest, Lab, Storage } from '../spec/lab.ts';
import type { GuestFile } from '../steps/guest-files.ts';
import type { Broken } from '../steps/requirement.ts';

/** What `lab status` shows of a cluster. */
export interface ClusterView {
  readonly quorate: boolean;
  readonly online: readonly string[];
  /** Nodes that are lost, and not known to be fenced yet. */
  readonly unclean?: readonly string[];
  /** Fencing devices and where they run. */
  readonly fencing: Readonly<Record<string, string>>;
}

/** Whether a guest runs, asked on dom0: the toolstack knows. */
export interface Running {
  isRunning(look: Look, guest: Pick<Guest, 'name'>): Promise<boolean>;
}

/** What makes a cluster of the guests: the seam between the recipes and pacemaker, or cman, the document's. */
export interface Stack {
  /** Packages in the guests: of Debian, or of the Red Hat of the document's day. */
  packages(lab: Lab): readonly string[];
  /** Units that must not start at boot: a node that was fenced has to stay out until it is looked at. */
  readonly offAtBoot: readonly string[];
  /** What a program of the guest's own system has to do inside its disk, while it is off. */
  readonly inside?: readonly string[];
  /** The cluster that a host is a node of, by its configuration file; undefined: of none. */
  clusterOf(host: Reader): Promise<string | undefined>;
  /** The cluster as one of the guests sees it; undefined while its software does not run there. */
  clusterState(guest: Reader): Promise<ClusterView | undefined>;
  /** The command that has the cluster fence a node, run on another one: it ends when that is done. */
  fence(node: string, operation: 'reboot' | 'off'): Argv;
  /** Secrets made on dom0, before they are copied into the guests. */
  secrets(lab: Lab, after: readonly Node[]): readonly Step[];
  /** The cluster's configuration, the same in each guest. */
  guestFiles(lab: Lab): readonly GuestFile[];
  /**
   * Why the cluster that runs cannot become that of lab.yaml while it runs; undefined: it can. Asked before anything is touched.
   */
  changeable(look: Look, lab: Lab, guests: Running): Promise<Broken | undefined>;
  /** Starts the cluster on all guests together. */
  start(lab: Lab, after: readonly Node[]): readonly Node[];
  /** Chapter 10: the file system that all guests mount, if this stack can. */
  storage?(lab: Lab, storage: Storage, after: readonly Node[]): readonly Node[];
  /** Stops the cluster software of all guests that run, before the guests are stopped: so nobody is fenced for leaving. */
  stop(
    lab: { readonly guests: readonly Pick<Guest, 'name'>[] },
    guests: Running,
    after?: readonly Node[],
  ): readonly Step[];
}
