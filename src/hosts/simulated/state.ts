/** What the simulated machines remember beside their files. Plain JSON, in DIR/state.json. */
export interface State {
  /** Seconds since 1970: the world's own clock. It goes on by a second a command, and jumps over what is waited for. */
  clock: number;
  lastDomainId: number;
  lastPid: number;
  readonly machines: { readonly dom0: MachineState; readonly local: MachineState };
  /** Domains that have memory, by their names: running, paused or about to stop. */
  readonly running: Record<string, Running>;
  /** Loop devices of dom0, and where they are mounted. */
  loops: readonly Loop[];
  /** Extended attributes of dom0's files, by path (xattr(7)). */
  readonly xattrs: Record<string, Record<string, string>>;
  /** GFS2 file systems, by the path of their image on dom0. */
  readonly gfs2: Record<string, Gfs2>;
  /** A file of dom0 that is being renamed. Whether it was, is seen from the files: rename(2) is atomic. */
  intent?: Intent | undefined;
  /** When the cluster's configuration was changed last, by this computer's clock in milliseconds. */
  configured: number;
  /** The newest entries of all journals. */
  journal: JournalEntry[];
  lastEntry: number;
  /** The fence_xvm of 2007 that ends with 0 although the challenge failed (facts/fencing.md). */
  readonly oldClientLies?: boolean;
}

export interface Gfs2 {
  readonly table: string;
  readonly journals: number;
  readonly uuid: string;
  /** Bytes that it has taken for itself. */
  readonly used?: number;
  /** mkfs.gfs2 was cut short after it wrote the superblock. */
  readonly unfinished?: true;
}

export interface Intent {
  readonly from: string;
  readonly to: string;
  /** `from` is an image with a file system in it. */
  readonly withFiles: boolean;
}

export interface MachineState {
  /** Units that are not inactive. */
  readonly services: Record<string, Service>;
  /** The drop-ins of a unit as they were when systemd read them last: unit to a digest. */
  readonly loaded: Record<string, string>;
}

export interface Service {
  active: 'active' | 'activating' | 'failed';
  readonly pid: number;
  /** By the world's clock. */
  readonly started: number;
  /** By this computer's clock, in milliseconds: for what takes a moment here too. */
  readonly since: number;
  /** fence_virtd: what it read when it started. */
  readonly listener?: FenceListener | undefined;
  /** corosync: what it read when it started. */
  ring?: Ring | undefined;
  /** cman: what it read when it started, and how far it is. */
  cman?: Cman | undefined;
  /** fence_xvmd: how it was started. */
  readonly xvmd?: Xvmd | undefined;
}

/** cman 2.x and 3.x, from cluster.conf. */
export interface Cman {
  readonly cluster: string;
  /** Of cluster.conf, until `cman_tool version -r`. */
  version: number;
  readonly twoNode: boolean;
  readonly expectedVotes: number;
  /** Seconds; fenced waits so long for the others. */
  readonly postJoinDelay: number;
  readonly nodes: readonly CmanNode[];
  /** `<quorumd>`: qdiskd finds its disk by the label. */
  readonly quorumd?: Quorumd | undefined;
  /** This node's name and address. */
  readonly node: string;
  readonly address: string;
  /** It has joined the fence domain: the start is over. */
  fenceDomain: boolean;
  /** Nodes that were members since it started, or were fenced by it. */
  settled: readonly string[];
}

export interface Quorumd {
  readonly label: string;
  readonly votes: number;
}

export interface CmanNode {
  readonly name: string;
  readonly id: number;
  readonly votes: number;
  /** The domain that its fencing device fences, if the device is a fence_xvm. */
  readonly domain?: string | undefined;
}

/** fence_xvmd's command line, as far as it matters. */
export interface Xvmd {
  readonly argv: readonly string[];
  /** -L: it asks no cluster. Otherwise it serves nobody until dom0's cman is quorate. */
  readonly alone: boolean;
  /** -f, and where its output goes. */
  readonly foreground: boolean;
  readonly log?: string | undefined;
  /** It has printed its table of domains: it listens. */
  ready: boolean;
}

/** fence_virtd reads its configuration and its key once, when it starts. */
/** groups{ group{ ip uuid } } of fence_virt.conf(5): from these addresses these domains may be fenced. */
export interface FenceGroup {
  readonly ips: readonly string[];
  /** As they are written under `uuid`; a name may stand there too. */
  readonly domains: readonly string[];
}

export interface FenceListener {
  readonly address: string;
  readonly port: number;
  readonly interface: string;
  /** Fingerprint of the first 4096 bytes. */
  readonly key: string;
  /** In the foreground with -d2: requests and mismatches are printed (facts/fencing.md). */
  readonly verbose: boolean;
  /** undefined: everybody may fence everything. */
  readonly groups?: readonly FenceGroup[];
}

export interface Ring {
  readonly cluster: string;
  /** Fingerprint of the authkey. */
  readonly key: string;
  readonly twoNode: boolean;
  /** This node's id. */
  readonly id: number;
  readonly nodes: readonly { readonly id: number; readonly name: string; readonly address: string }[];
  /** wait_for_all is over: all nodes were seen at once. */
  seenAll: boolean;
}

export interface Running extends MachineState {
  readonly id: number;
  /** What made it: libvirt, or `xl create`, of which libvirt knows nothing. */
  readonly by: 'libvirt' | 'xl' | 'xm';
  readonly xml: string;
  /** What `xm create` read: disks and cards as they stand in the domain file. */
  readonly xm?: XmDomain;
  /** An installer: the image that it writes, and when it is done, by this computer's clock in milliseconds. */
  readonly installs?: { readonly image: string; readonly until: number };
  state: 'running' | 'paused';
  /** Its port of the bridge does not reach other such ports (bridge(8), isolated). */
  isolated?: boolean;
  /** Shared file systems that are mounted in the guest. */
  mounts?: readonly Mount[];
  /** A mount that found no journal: it stays failed until crm_resource --cleanup. */
  mountFailed?: boolean;
  /** When it began to boot, by this computer's clock in milliseconds. */
  since: number;
  /** When it was asked to stop; likewise. */
  stopping?: number;
}

export interface Mount {
  readonly image: string;
  readonly at: string;
  /** By its init script: the device, the options of fstab, and the journal that it got. */
  readonly gfs2?: { readonly device: string; readonly options: string; readonly journal: number };
}

export interface XmDomain {
  readonly disks: readonly {
    readonly uname: string;
    readonly path: string;
    readonly dev: string;
    readonly mode: string;
  }[];
  readonly cards: readonly { readonly mac: string; readonly bridge: string }[];
  readonly lifecycle: Readonly<Record<'on_poweroff' | 'on_reboot' | 'on_crash', string>>;
}

export interface Loop {
  readonly number: number;
  readonly image: string;
  /** Bytes; 0 if none is said. */
  readonly offset?: number;
  readonly at?: string;
}

export interface JournalEntry {
  readonly n: number;
  readonly host: string;
  readonly unit: string;
  /** By the world's clock. */
  readonly at: number;
  /** `stdbuf[2040]` */
  readonly from: string;
  readonly text: string;
}

export function freshState(clock: number): State {
  return {
    clock,
    lastDomainId: 0,
    lastPid: 1500,
    machines: { dom0: { services: {}, loaded: {} }, local: { services: {}, loaded: {} } },
    running: {},
    loops: [],
    xattrs: {},
    gfs2: {},
    configured: 0,
    journal: [],
    lastEntry: 0,
  };
}
