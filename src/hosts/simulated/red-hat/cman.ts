import { bootLayer, cardsOf, guestsOf } from '../guests.ts';
import { addressesOf } from '../net.ts';
import type { Cman } from '../state.ts';
import type { Machine, World } from '../world.ts';
import type { ClusterConf } from './cman-conf.ts';
import { hostnameOf } from './release.ts';

/** This machine's cman, if it runs. */
export function cmanOf({ state }: Machine): Cman | undefined {
  return state.services.cman?.cman;
}

/**
 * cman joins: by its own name in cluster.conf, on the address which that name has here.
 * @returns in its own words why it does not
 */
export function join(machine: Machine, conf: ClusterConf): Cman | string {
  const node = hostnameOf(machine.tree);
  const own = conf.nodes.find(({ name }) => name === node || name === node.split('.')[0]);
  if (conf.name === '') return 'cman not started: No cluster name in cluster.conf';
  if (!own) return "cman not started: Can't find local node name in cluster.conf";
  if (!(own.id > 0))
    return "cman not started: CCS does not have a nodeid for this node, run 'ccs_tool addnodeids' to fix";
  if (new Set(conf.nodes.map(({ id }) => id)).size < conf.nodes.length) return 'cman not started: nodeid is not unique';
  if (conf.twoNode && conf.nodes.length !== 2) return 'cman not started: two_node set but there are more than 2 nodes';
  if (conf.twoNode && conf.expectedVotes !== 1) return 'cman not started: two_node set but expected_votes not set to 1';
  const address = addressNamed(machine, own.name);
  if (address === undefined) return `cman not started: local node name "${own.name}" has no address of this host`;
  const { name: cluster, version, nodes, twoNode, expectedVotes, postJoinDelay, quorumd } = conf;
  const read = { cluster, version, nodes, twoNode, expectedVotes, postJoinDelay, quorumd };
  return { ...read, node: own.name, address, fenceDomain: false, settled: [own.name] };
}

/** The address of a name in /etc/hosts, if it is one of this machine. The loopback one is: then nobody else hears it. */
function addressNamed(machine: Machine, name: string): string | undefined {
  const lines = (machine.tree.text('/etc/hosts') ?? '')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim().split(/\s+/));
  const address = lines.find(([, ...names]) => names.includes(name))?.[0];
  const own = ['127.0.0.1', ...addressesOf(machine)];
  return address !== undefined && own.includes(address) ? address : undefined;
}

const bridgeOf = (machine: Machine) => cardsOf(machine).find(({ address }) => address !== undefined)?.bridge;

/** The machines that form a membership with this one: same cluster and version, on one bridge, each known to the other. */
export function membersOf(world: World, machine: Machine): readonly Machine[] {
  const own = cmanOf(machine);
  if (!own) return [];
  const others = guestsOf(world).filter((other) => {
    const theirs = cmanOf(other);
    if (other.name === machine.name || !theirs || !other.running || bootLayer(world, other.running) === 'kernel')
      return false;
    const since = Math.max(other.state.services.cman?.since ?? 0, machine.state.services.cman?.since ?? 0);
    const met = theirs.address !== '127.0.0.1' && own.address !== '127.0.0.1' && world.elapsed(since) > 0.3;
    const same =
      theirs.cluster === own.cluster && theirs.version === own.version && bridgeOf(other) === bridgeOf(machine);
    const known =
      own.nodes.some(({ name }) => name === theirs.node) && theirs.nodes.some(({ name }) => name === own.node);
    return met && same && known;
  });
  const idOf = (member: Machine) => own.nodes.find(({ name }) => name === cmanOf(member)?.node)?.id ?? 0;
  return [machine, ...others].sort((a, b) => idOf(a) - idOf(b));
}

export interface Quorum {
  readonly votes: number;
  readonly needed: number;
  readonly quorate: boolean;
}

/**
 * Votes of the quorum disk, where qdiskd has had the time to take part. Of two halves only that of the master has them: here, of
 * the node with the lowest id. undefined: qdiskd has not registered
 */
export function diskVotes(world: World, machine: Machine): number | undefined {
  const takesPart = ({ state }: Machine) => state.services.qdiskd && world.elapsed(state.services.qdiskd.since) > 1.5;
  const own = cmanOf(machine);
  if (!own?.quorumd || !takesPart(machine)) return undefined;
  const idOf = (at: Machine) => own.nodes.find(({ name }) => name === cmanOf(at)?.node)?.id ?? Number.POSITIVE_INFINITY;
  const [master] = guestsOf(world)
    .filter((other) => takesPart(other) && cmanOf(other)?.cluster === own.cluster)
    .sort((a, b) => idOf(a) - idOf(b));
  return membersOf(world, machine).some(({ name }) => name === master?.name) ? own.quorumd.votes : undefined;
}

/** two_node: one is enough. Otherwise more than half of the expected votes. */
export function quorumOf(world: World, machine: Machine): Quorum {
  const own = cmanOf(machine);
  if (!own) return { votes: 0, needed: 1, quorate: false };
  const members = membersOf(world, machine).map((member) => cmanOf(member)?.node);
  const ofNodes = own.nodes.reduce((sum, node) => sum + (members.includes(node.name) ? node.votes : 0), 0);
  const votes = ofNodes + (diskVotes(world, machine) ?? 0);
  const needed = own.twoNode ? 1 : Math.floor(own.expectedVotes / 2) + 1;
  return { votes, needed, quorate: votes >= needed };
}
