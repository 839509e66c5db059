import { Cib } from './cib.ts';
import { isQuorate, membersOf, ringOf } from './corosync.ts';
import { fencingAnswers } from './fence-xvm.ts';
import { guestsOf } from './guests.ts';
import { logEntry } from './journal.ts';
import { isInstalled } from './packages.ts';
import type { Running } from './state.ts';
import type { Machine, World } from './world.ts';
import { descendants, XmlElement } from './xml.ts';

export interface Resource {
  readonly id: string;
  /** The clone that it is an instance of. */
  readonly clone?: string;
  readonly agent: string;
  /** The node that it runs on; undefined: stopped. */
  readonly on: string | undefined;
  readonly failed: boolean;
}

const isUp = ({ state }: Machine) => state.services.pacemaker?.active === 'active';

export class Cluster {
  readonly #world: World;
  readonly here: Machine;
  readonly members: readonly Machine[];
  readonly nodes: readonly { id: number; name: string }[];
  readonly cib: Cib;
  /** Of the ring. */
  readonly name: string;

  constructor(world: World, here: Machine) {
    const ring = ringOf(here);
    this.#world = world;
    this.here = here;
    this.members = membersOf(world, here).filter(isUp);
    this.nodes = ring?.nodes ?? [];
    this.name = ring?.cluster ?? '';
    this.cib = new Cib(this.members, ring?.cluster ?? '', this.nodes);
    this.cib.know(this.nodes.filter(({ id }) => this.members.some((member) => ringOf(member)?.id === id)));
  }

  get quorate(): boolean {
    return isQuorate(this.#world, this.here);
  }

  nameOf(machine: Machine): string {
    return this.nodes.find(({ id }) => id === ringOf(machine)?.id)?.name ?? machine.name;
  }

  /** Online: it was given the time to join. */
  online(): readonly Machine[] {
    return this.members.filter(({ state }) => this.#world.elapsed(state.services.pacemaker?.since ?? 0) > 0.8);
  }

  /** Whether the cluster had the time to act on its configuration. */
  get #settled(): boolean {
    return this.#world.elapsed(this.#world.state.configured) > 0.5;
  }

  /** Whether a constraint keeps a resource off a node. */
  bans(resource: string, node: string): boolean {
    const never = { rsc: resource, node, score: '-INFINITY' };
    return this.cib
      .all('rsc_location')
      .some((at) => Object.entries(never).every(([name, value]) => at.attributes[name] === value));
  }

  /**
   * Where the resources run: on an online node that no constraint bans them from. A fencing device starts if its monitor
   * gets an answer from dom0 there; other agents are not simulated, and stay stopped. Nothing starts without quorum.
   */
  resources(): readonly Resource[] {
    return this.cib.all('primitive').flatMap((primitive): readonly Resource[] => {
      const id = primitive.attributes.id ?? '';
      const agent = agentOf(primitive);
      const clone = cloneOf(primitive);
      if (clone !== undefined) return this.#instances(id, clone, agent, primitive);
      const fences = agent === 'stonith:fence_xvm';
      const candidate =
        fences && this.quorate && this.#settled
          ? this.online().find((node) => !this.bans(id, this.nameOf(node)))
          : undefined;
      const answers = candidate !== undefined && fencingAnswers(this.#world, candidate, agentArguments(primitive));
      const on = candidate && answers ? this.nameOf(candidate) : undefined;
      return [{ id, agent, on, failed: candidate !== undefined && !answers }];
    });
  }

  /** One on each online node: the lock manager where fencing is not switched off, a file system where it is mounted. */
  #instances(id: string, clone: string, agent: string, primitive: XmlElement): readonly Resource[] {
    const { directory } = parametersOf(primitive);
    return this.online().map((node) => {
      const mounted = node.running?.mounts?.some(({ at }) => at === directory);
      const runs =
        agent === 'ocf:pacemaker:controld' ? this.#locks(node) : agent === 'ocf:heartbeat:Filesystem' && mounted;
      const failed = agent === 'ocf:heartbeat:Filesystem' && node.running?.mountFailed === true;
      return { id, clone, agent, on: runs ? this.nameOf(node) : undefined, failed };
    });
  }

  /** ocf:pacemaker:controld refuses to start with stonith-enabled=false (facts/pacemaker.md), and stops by killall. */
  #locks(node: Machine): boolean {
    const able = isInstalled(node.tree, 'psmisc') && isInstalled(node.tree, 'dlm-controld');
    // What runs goes on while the cluster thinks about what is new.
    const started = this.#settled || node.running?.mounts !== undefined;
    return this.quorate && started && able && this.cib.property('stonith-enabled') !== 'false';
  }

  /** The cloned file systems that belong on a node, after the lock manager there. */
  fileSystems(node: Machine): readonly { readonly device: string; readonly directory: string }[] {
    const primitives = this.cib.all('primitive').filter((primitive) => cloneOf(primitive) !== undefined);
    const locks = primitives.some((primitive) => agentOf(primitive) === 'ocf:pacemaker:controld') && this.#locks(node);
    if (!locks || !this.online().some(({ name }) => name === node.name)) return [];
    return primitives
      .filter((primitive) => agentOf(primitive) === 'ocf:heartbeat:Filesystem')
      .map((primitive) => {
        const { device = '', directory = '' } = parametersOf(primitive);
        return { device, directory };
      });
  }
}

const agentOf = (primitive: XmlElement) =>
  ['class', 'provider', 'type']
    .map((name) => primitive.attributes[name])
    .filter(Boolean)
    .join(':');

function cloneOf(primitive: XmlElement): string | undefined {
  const { parent } = primitive;
  return parent instanceof XmlElement && parent.name === 'clone' ? parent.attributes.id : undefined;
}

/** instance_attributes of a resource. */
function parametersOf(primitive: XmlElement): Readonly<Record<string, string>> {
  const pairs = descendants(primitive, 'nvpair');
  return Object.fromEntries(pairs.map((pair) => [pair.attributes.name, pair.attributes.value]));
}

/** Attributes of a fencing resource as fence_xvm(8) takes them. */
function agentArguments(primitive: XmlElement): readonly string[] {
  const pairs = descendants(primitive, 'nvpair');
  const value = (name: string) => pairs.find((pair) => pair.attributes.name === name)?.attributes.value;
  const options = [
    ['-k', 'key_file'],
    ['-a', 'multicast_address'],
    ['-p', 'ipport'],
    ['-t', 'timeout'],
  ] as const;
  return options.flatMap(([flag, name]) => (value(name) ? [flag, value(name) ?? ''] : []));
}

/** The cluster as this machine's pacemaker sees it; undefined while it does not run. */
export function clusterOf(world: World, machine: Machine): Cluster | undefined {
  return isUp(machine) && ringOf(machine) ? new Cluster(world, machine) : undefined;
}

/**
 * A node lost its power without leaving first. Those who are left, if they have quorum and a device, fence it: so it goes
 * when a guest is destroyed before its cluster was stopped. It stays off all the same: fence_virtd has nothing to do for the
 * reboot of a domain that is off, and calls that done (fence-agents, agents/virt/server/libvirt.c, libvirt_reboot).
 * @returns whether somebody does
 */
export function survivorsFence(world: World, lost: Running): boolean {
  if (lost.services.pacemaker?.active !== 'active') return false;
  for (const survivor of guestsOf(world)) {
    if (survivor.running === lost) continue;
    const cluster = clusterOf(world, survivor);
    const target = cluster?.nodes.find(({ id }) => id === lost.services.corosync?.ring?.id);
    if (!cluster || !target || !cluster.quorate || cluster.cib.property('stonith-enabled') === 'false') continue;
    const device = deviceFor(cluster, target.name);
    if (device === undefined) continue;
    tellFenced(world, survivor.name, 'reboot', target.name, device);
    return true;
  }
  return false;
}

/**
 * Two nodes that do not hear each other: both are quorate (two_node), and both fence. The one whose fencing has to wait the
 * longer (pcmk_delay_base of its device) lives; where neither waits, both die: a death match.
 * @returns the machines that are fenced
 */
export function losersOfSplit(world: World, machines: readonly Machine[]): readonly Machine[] {
  const clusters = machines.flatMap((machine) => clusterOf(world, machine) ?? []);
  if (clusters.length !== 2 || clusters.some((cluster) => cluster.cib.property('stonith-enabled') === 'false'))
    return [];
  const wait = (cluster: Cluster) => {
    const device = cluster.cib
      .all('primitive')
      .find((at) => hostsOf(cluster, at.attributes.id ?? '').includes(cluster.nameOf(cluster.here)));
    return Number.parseInt((device && parametersOf(device).pcmk_delay_base) ?? '0', 10);
  };
  const longest = Math.max(...clusters.map(wait));
  const losers = clusters.filter(
    (cluster) => clusters.every((one) => wait(one) === longest) || wait(cluster) < longest,
  );
  for (const loser of losers) {
    const other = clusters.find((cluster) => cluster !== loser) as Cluster;
    tellFenced(world, other.here.name, 'reboot', loser.nameOf(loser.here), other.nameOf(other.here));
  }
  return losers.map(({ here }) => here);
}

/** The node from which a node can be fenced: where a device for it runs. */
export function deviceFor(cluster: Cluster, target: string): string | undefined {
  return cluster.resources().find(({ id, on }) => on !== undefined && hostsOf(cluster, id).includes(target))?.on;
}

export function tellFenced(world: World, on: string, operation: string, target: string, device: string): void {
  const text = `Operation '${operation}' targeting ${target} by ${device} for pacemaker-controld: OK`;
  logEntry(world, on, 'pacemaker', 'pacemaker-fenced[901]', text);
}

/** The nodes that a device can fence: pcmk_host_map. */
function hostsOf(cluster: Cluster, id: string): readonly string[] {
  const device = cluster.cib.all('primitive').find((at) => at.attributes.id === id);
  const map = device && descendants(device, 'nvpair').find((pair) => pair.attributes.name === 'pcmk_host_map');
  return (map?.attributes.value ?? '').split(/[;,\s]+/).map((pair) => pair.split(':')[0] ?? '');
}
