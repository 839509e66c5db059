import { cmanOf, membersOf, quorumOf } from './cman.ts';
import { guestsOf } from '../guests.ts';
import { request } from '../fence-requests.ts';
import { fingerprint } from '../../../model/fingerprint.ts';
import type { Running } from '../state.ts';
import type { Machine, World } from '../world.ts';
import { timeOf } from '../journal.ts';
import { hostnameOf } from './release.ts';

const keyPath = '/etc/cluster/fence_xvm.key';

/**
 * How long fenced waits for the others after it has quorum (ms): post_join_delay as it is, and four boot times for 3 s of it, in
 * a world whose guests are slow.
 */
const patience = (world: World, postJoinDelay: number) =>
  postJoinDelay * Math.max(1000, (4 / 3) * (world.options.bootTime ?? 400));

/** A line of /var/log/messages, as syslogd writes it. */
function syslog(world: World, { tree }: Machine, text: string): void {
  if (world.changing)
    tree.append('/var/log/messages', `${timeOf(world.state.clock)} ${hostnameOf(tree)} fenced[2107]: ${text}\n`);
}

/**
 * Startup fencing: a node that has quorum fences those that have not joined within post_join_delay (facts/cman.md). It happens
 * when it is due, whoever looks first: so it is worked out, and given the moment at which it was due.
 */
export function startupFencing(world: World): void {
  if (!Object.values(world.state.running).some(({ services }) => services.cman)) return;
  for (const machine of guestsOf(world)) {
    const cman = cmanOf(machine);
    const since = machine.state.services.cman?.since ?? 0;
    if (!cman?.fenceDomain || cman.postJoinDelay < 0 || !quorumOf(world, machine).quorate) continue;
    const members = membersOf(world, machine);
    const due = since + patience(world, cman.postJoinDelay);
    cman.settled = [...new Set([...cman.settled, ...members.flatMap((member) => cmanOf(member)?.node ?? [])])];
    // The member with the lowest id does it for all.
    if (members[0]?.name !== machine.name || Date.now() < due) continue;
    const victims = cman.nodes.filter(({ name }) => !cman.settled.includes(name));
    cman.settled = [...cman.settled, ...victims.map(({ name }) => name)];
    for (const { name, domain } of victims) {
      syslog(world, machine, `${name} not a cluster member after ${cman.postJoinDelay} sec post_join_delay`);
      syslog(world, machine, `fencing node "${name}"`);
      syslog(world, machine, `fence "${name}" ${fenceNode(world, machine, domain, due) ? 'success' : 'failed'}`);
    }
  }
}

/** What a node does with its fencing device: the path of `fence_xvm -o reboot`. */
export function fenceNode(world: World, machine: Machine, domain: string | undefined, at?: number): boolean {
  const key = machine.tree.read(keyPath)?.subarray(0, 4096);
  if (domain === undefined || !key) return false;
  const asked = { address: '225.0.0.12', port: 1229, key: fingerprint(key), operation: 'reboot', domain };
  return request(world, machine, at === undefined ? asked : { ...asked, at })?.code === 0;
}

/**
 * A node was lost without leaving first: one of those who are left, if they have quorum, sees it, and says so.
 * @returns who it is; undefined: nobody is left
 */
export function lostPower(world: World, lost: Running): Machine | undefined {
  const gone = lost.services.cman?.cman;
  if (!gone) return undefined;
  for (const machine of guestsOf(world)) {
    const cman = cmanOf(machine);
    if (cman?.cluster !== gone.cluster || !cman.fenceDomain || !quorumOf(world, machine).quorate) continue;
    syslog(world, machine, `fencing node "${gone.node}"`);
    return machine;
  }
  return undefined;
}

/** One that is silent, and has its power: whoever sees it has it fenced, once the token is over, for which nobody waits here. */
export function silent(world: World, lost: Running): void {
  const gone = lost.services.cman?.cman;
  const survivor = lostPower(world, lost);
  if (gone && survivor) fenceNode(world, survivor, gone.nodes.find(({ name }) => name === gone.node)?.domain);
}
