import { fingerprint } from '../../model/fingerprint.ts';
import { fail, getopt, type Handler, ok } from './call.ts';
import { bootLayer, guestsOf } from './guests.ts';
import { addressesOf } from './net.ts';
import type { Ring } from './state.ts';
import type { Started } from './units.ts';
import type { Machine, World } from './world.ts';

export const confPath = '/etc/corosync/corosync.conf';

/** corosync 3.1 starts: it needs its configuration, an authkey, and an address of its own in the nodelist. */
export function startCorosync(_world: World, machine: Machine): Started {
  const text = machine.tree.text(confPath);
  if (text === undefined) return { is: 'skipped', why: `ConditionPathExists=${confPath}` };
  const key = machine.tree.read('/etc/corosync/authkey');
  const conf = readConf(text);
  const fails = (line: string): Started => ({
    is: 'failed',
    lines: [line, '[MAIN  ] Corosync Cluster Engine exiting with status 8 at main.c:1445.'],
  });
  if (!key) return fails('[MAIN  ] Could not open /etc/corosync/authkey: No such file or directory');
  if (key.length < 128)
    return fails(`[MAIN  ] Could only read ${key.length * 8} bits of 1024 minimum bits from /etc/corosync/authkey.`);
  const own = conf.nodes.find(({ address }) => addressesOf(machine).includes(address));
  if (!own) return fails('[MAIN  ] parse error in config: No valid name found for local host');
  return { is: 'running', ring: { ...conf, id: own.id, key: fingerprint(key), seenAll: false } };
}

/** corosync.conf(5), as far as membership and quorum depend on it. */
export function readConf(text: string): Pick<Ring, 'cluster' | 'twoNode' | 'nodes'> {
  const value = (block: string, key: string) => new RegExp(`^\\s*${key}:\\s*(\\S+)`, 'm').exec(block)?.[1];
  const nodes = [...text.matchAll(/^\s*node\s*\{([^}]*)\}/gm)].map(([, block = '']) => ({
    id: Number(value(block, 'nodeid')),
    name: value(block, 'name') ?? '',
    address: value(block, 'ring0_addr') ?? '',
  }));
  return { cluster: value(text, 'cluster_name') ?? '', twoNode: value(text, 'two_node') === '1', nodes };
}

/** This machine's ring, if its corosync runs. */
export function ringOf({ state }: Machine): Ring | undefined {
  const service = state.services.corosync;
  return service?.active === 'active' ? service.ring : undefined;
}

const since = ({ state }: Machine) => state.services.corosync?.since ?? 0;

/** The machines that this one forms a membership with, itself included: same cluster, same key, up, known to it. */
export function membersOf(world: World, machine: Machine): readonly Machine[] {
  return world.once(machine.state, 'members', () => formed(world, machine));
}

function formed(world: World, machine: Machine): readonly Machine[] {
  const ring = ringOf(machine);
  if (!ring) return [];
  const addresses = new Set(ring.nodes.map(({ address }) => address));
  return guestsOf(world)
    .filter((other) => {
      const theirs = ringOf(other);
      const known = addressesOf(other).some((address) => addresses.has(address));
      const joined = other.name === machine.name || world.elapsed(Math.max(since(other), since(machine))) > 0.4;
      const up = other.running && bootLayer(world, other.running) !== 'kernel';
      return up && known && joined && theirs?.cluster === ring.cluster && theirs.key === ring.key;
    })
    .sort((a, b) => (ringOf(a)?.id ?? 0) - (ringOf(b)?.id ?? 0));
}

/** two_node implies wait_for_all: no quorum before all nodes were seen at once, and then one of them is enough. */
export function isQuorate(world: World, machine: Machine): boolean {
  const ring = ringOf(machine);
  if (!ring) return false;
  const members = membersOf(world, machine).length;
  if (!ring.twoNode) return members > ring.nodes.length / 2;
  return members === ring.nodes.length || (ring.seenAll && members > 0);
}

/** Marks the rings whose nodes are all there: they have seen each other, as soon as they have had the time. */
export function wasSeen(world: World): void {
  for (const guest of guestsOf(world)) {
    const ring = ringOf(guest);
    const there = guestsOf(world).filter(
      (other) => ringOf(other)?.key === ring?.key && ringOf(other)?.cluster === ring?.cluster,
    );
    if (ring && there.length === ring.nodes.length) ring.seenAll = true;
  }
}

/** corosync-quorumtool(8) -s. It ends with 2 where there is no quorum [U: from its source]. */
export const quorumtool: Handler = ({ world, machine, args }) => {
  const options = getopt(args, ['-s', '-i', '-l']);
  const ring = ringOf(machine);
  if (options.has('-i', '-l')) return fail(1, 'corosync-quorumtool: only -s is simulated');
  if (!ring) return fail(1, 'Cannot initialize CMAP service');
  const members = membersOf(world, machine);
  const quorate = isQuorate(world, machine);
  const expected = ring.nodes.length;
  const flags = [
    ...(ring.twoNode ? ['2Node'] : []),
    ...(quorate ? ['Quorate'] : []),
    ...(ring.twoNode ? ['WaitForAll'] : []),
  ];
  const rows = members.map((member) => {
    const { id = 0, nodes = [] } = ringOf(member) ?? {};
    const name = nodes.find((node) => node.id === id)?.name ?? '';
    return `${String(id).padStart(10)} ${'1'.padStart(10)} ${name}${member.name === machine.name ? ' (local)' : ''}`;
  });
  const stdout = `Quorum information
------------------
Date:             ${new Date(world.state.clock * 1000).toUTCString()}
Quorum provider:  corosync_votequorum
Nodes:            ${members.length}
Node ID:          ${ring.id}
Ring ID:          1.${members.length * 4 + 5}
Quorate:          ${quorate ? 'Yes' : 'No'}

Votequorum information
----------------------
Expected votes:   ${expected}
Highest expected: ${expected}
Total votes:      ${members.length}
Quorum:           ${ring.twoNode ? 1 : Math.floor(expected / 2) + 1} ${quorate ? '' : 'Activity blocked'} 
Flags:            ${flags.join(' ')} 

Membership information
----------------------
    Nodeid      Votes Name
${rows.join('\n')}
`;
  return quorate ? ok(stdout) : { code: 2, stdout };
};
