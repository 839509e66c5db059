/** A lab with everything decided: names, addresses, MACs, uuids. Made from lab.yaml by read.ts, and frozen. */
export interface Lab {
  /** The cluster's name: at most 16 of [A-Za-z0-9_-]. */
  readonly name: string;
  /** WHERE as written in lab.yaml, if it is. */
  readonly host?: string;
  readonly toolstack: 'libvirt' | 'xm';
  /** In the order of lab.yaml, which is the order of node ids, MACs and addresses of guests that are new together. */
  readonly guests: readonly Guest[];
  readonly image: Image;
  /** Shared disks, in the order of their devices. */
  readonly disks: readonly SharedDisk[];
  readonly network: Network;
  readonly fencing: Fencing;
  readonly cluster: Cluster;
  /** The GFS2 that all guests mount; undefined: none. */
  readonly storage?: Storage;
  /** With cman: the dom0's cluster of one, or none (fence_xvmd -LX). */
  readonly dom0Cluster: 'none' | Dom0Cluster;
  /** What was on dom0 when lab.yaml was read; undefined: no guest of this lab. */
  readonly onDom0?: {
    /** Guests of lab.yaml, by name. */
    readonly kept: readonly string[];
    /** Guests with this lab's mark that are no longer in lab.yaml. */
    readonly leaving: readonly Former[];
  };
  /** Keep the old lines of a domain file as comments, as the document does. */
  readonly annotate: boolean;
  /** Not from lab.yaml: what `--adopt` names, domains and paths that lab did not make and takes over on purpose. */
  readonly adopt?: readonly string[];
  /** lab.yaml as it was read: kept on dom0, so that `lab destroy` knows where to look when the file is gone. */
  readonly source: string;
}

export interface Guest {
  /** Host name, domain name, domain file name and node name in one. */
  readonly name: string;
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly address: string;
  /** As in lab.yaml, else v5 of lab and guest: known before anything exists. */
  readonly uuid: string;
  /** Counted up from network.mac; a guest that is on dom0 keeps its own, as it keeps its address and node id. */
  readonly mac: string;
  /** Node id in the cluster, from 1. */
  readonly nodeId: number;
  /** Its disk on dom0: the image's directory and its own name, e.g. /guests/molly.img. */
  readonly disk: string;
  /** Its domain file, e.g. /etc/xen/molly. */
  readonly domainFile: string;
}

/** A guest as dom0 knows it: what it takes to let go of it. */
export type Former = Pick<Guest, 'name' | 'address' | 'mac' | 'nodeId' | 'disk' | 'domainFile'>;

export type Install =
  | { readonly by: 'debian'; readonly suite: string }
  | { readonly by: 'copy'; readonly from: string; readonly sha256: string }
  | { readonly by: 'virtInstall'; readonly location: string; readonly extraArgs: readonly string[] }
  | { readonly by: 'none' };

export interface Image {
  /** The default image on dom0, e.g. /guests/default.img. */
  readonly path: string;
  readonly bytes: number;
  readonly install: Install;
  /** Of the domain `Default`, which is never booted. */
  readonly uuid: string;
}

export interface SharedDisk {
  /** `quorum`, `shared`. */
  readonly name: string;
  /** On dom0, beside the image: /guests/quorum.dsk. */
  readonly path: string;
  readonly bytes: number;
  /** In the guests: xvdb, xvdc … */
  readonly device: string;
}

export interface Network {
  readonly bridge: string;
  /** e.g. 192.168.77.0/24 */
  readonly subnet: string;
  readonly prefix: number;
  /** dom0's own address on the bridge: the subnet's first, e.g. 192.168.77.1. */
  readonly dom0Address: string;
  /** The MAC of the default image's vif; guests count up from it. */
  readonly mac: string;
}

export interface Fencing {
  readonly key: string;
  /** Multicast address. */
  readonly address: string;
  readonly port: number;
}

/** qdiskd with cman, as qdisk(5) has it for two nodes: it writes once in `interval` seconds, and is dead after `tko` misses. */
export const QUORUMD = { votes: 1, interval: 1, tko: 10 } as const;

export interface Cluster {
  readonly stack: 'pacemaker' | 'cman';
  /** totem token time-out in milliseconds. */
  readonly token: number;
  /** The quorum disk that decides between two halves of the cluster; undefined: none. */
  readonly tieBreaker?: SharedDisk;
  /** cman: config_version of a cluster.conf that is written for the first time. */
  readonly configVersion: number;
  /** cman: services for rgmanager; undefined: none are spoken of. */
  readonly services?: readonly { readonly name: string; readonly autostart: boolean }[];
}

export interface Storage {
  readonly disk: SharedDisk;
  /** Where the guests mount it, e.g. /shared. */
  readonly directory: string;
  /** Lock table: the cluster's name and the file system's, `lolcats:shared` (mkfs.gfs2(8) -t). */
  readonly table: string;
}

export interface Dom0Cluster {
  readonly name: string;
  /** The dom0's host name; undefined: whatever `uname -n` says there. */
  readonly node?: string;
}

/** The guests that are on dom0 and no longer in lab.yaml. */
export function leavingOf({ onDom0 }: Pick<Lab, 'onDom0'>): readonly Former[] {
  return onDom0?.leaving ?? [];
}

/** The first guest that was on dom0 already: what a running cluster is told or asked, it is. Else the first. */
export function firstGuest({ guests, onDom0 }: Lab): Guest {
  const first = guests.find(({ name }) => onDom0?.kept.includes(name)) ?? guests[0];
  if (!first) throw new Error('a rule is missing in rules.ts: a lab without guests has no cluster');
  return first;
}
