import { fail, getopt, type Handler, ok, type Result } from '../call.ts';
import type { Cman } from '../state.ts';
import type { Machine, World } from '../world.ts';
import { confPath, readConf } from './cman-conf.ts';
import { cmanOf, diskVotes, membersOf, quorumOf } from './cman.ts';
import { stopCman } from './cman-stop.ts';
import { fenceNode } from './fence-domain.ts';
import { quorumDisks } from './quorum-disk.ts';
import { majorOf } from './release.ts';

const down = 'cman_tool: Cannot open connection to cman, is it running ?';

/** cman_tool(8) of 2.x and 3.x (facts/cman.md, measured). */
export const cmanTool: Handler = (call) => {
  const { world, machine, args } = call;
  const [verb = '', ...rest] = args;
  const cman = cmanOf(machine);
  if (verb === 'status') return cman ? ok(statusText(world, machine, cman)) : fail(1, down);
  if (verb === 'nodes') return cman ? ok(nodesText(world, machine, cman)) : fail(1, down);
  if (verb === 'version') return cman ? version(world, machine, cman, rest) : fail(1, down);
  if (verb === 'leave')
    return cman ? stopCman(world, machine) : fail(1, 'cman_tool: Error leaving cluster: Connection refused');
  if (verb === 'wait')
    return quorumOf(world, machine).quorate
      ? ok()
      : { ...fail(2, 'cman_tool: Timed-out waiting for cluster'), seconds: 45 };
  return fail(1, `cman_tool: unknown option ${verb}`);
};

function idOf({ nodes, node }: Cman): number {
  return nodes.find(({ name }) => name === node)?.id ?? 0;
}

/** 239.192.X.Y, from a hash of the cluster's name; so is the id of the cluster. */
export function clusterId(name: string): number {
  return [...name].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) & 0xffff, 7);
}

function statusText(world: World, machine: Machine, cman: Cman): string {
  const three = majorOf(machine.tree) === 6;
  const members = membersOf(world, machine);
  const { votes, needed, quorate } = quorumOf(world, machine);
  const device = diskVotes(world, machine);
  const id = clusterId(cman.cluster);
  const rows: readonly (readonly [string, string | number])[] = [
    ['Version', three ? '6.2.0' : '6.0.1'],
    ['Config Version', cman.version],
    ['Cluster Name', cman.cluster],
    ['Cluster Id', id],
    ['Cluster Member', 'Yes'],
    ['Cluster Generation', 4 * members.length],
    ['Membership state', 'Cluster-Member'],
    ['Nodes', members.length],
    ['Expected votes', cman.expectedVotes],
    ...(device === undefined ? [] : [['Quorum device votes', device] as const]),
    ['Total votes', votes],
    ...(three ? [['Node votes', cman.nodes.find(({ name }) => name === cman.node)?.votes ?? 1] as const] : []),
    ['Quorum', `${needed} ${quorate ? ' ' : 'Activity blocked'}`],
    ['Active subsystems', cman.fenceDomain ? 7 : 2],
    ['Flags', cman.twoNode ? '2node ' : ''],
    ['Ports Bound', '0  '],
    ['Node name', cman.node],
    ['Node ID', idOf(cman)],
    ['Multicast addresses', `239.192.${id >> 8}.${id & 255} `],
    ['Node addresses', `${cman.address} `],
  ];
  return rows.map(([key, value]) => `${key}: ${value}\n`).join('');
}

export function diskOf(world: World, machine: Machine, { quorumd }: Cman): string | undefined {
  return quorumDisks(world, machine).find(({ label }) => label === quorumd?.label)?.device;
}

function nodesText(world: World, machine: Machine, cman: Cman): string {
  const members = membersOf(world, machine).map((member) => cmanOf(member)?.node);
  const joined = new Date((machine.state.services.cman?.started ?? 0) * 1000)
    .toISOString()
    .replace('T', ' ')
    .slice(0, 19);
  const rows = [...cman.nodes]
    .sort((a, b) => a.id - b.id)
    .map(({ id, name }) => {
      const there = members.includes(name);
      const inc = String(there ? 4 * members.length : 0).padStart(6);
      return `${String(id).padStart(4)}   ${there ? 'M' : 'X'} ${inc}   ${(there ? joined : '').padEnd(19)}  ${name}\n`;
    });
  // The quorum disk is node 0, by the name of its device.
  const disk = diskVotes(world, machine) === undefined ? undefined : diskOf(world, machine, cman);
  if (disk !== undefined) rows.unshift(`   0   M      0   ${joined}  ${disk}\n`);
  return `Node  Sts   Inc   Joined               Name\n${rows.join('')}`;
}

/** `version`: what runs. `version -r N`: the members take the configuration N from their disks, if it is newer and there. */
function version(world: World, machine: Machine, cman: Cman, args: readonly string[]): Result {
  const wanted = getopt(args, [], ['-r', '-D']).value('-r');
  if (wanted === undefined) return ok(`${majorOf(machine.tree) === 6 ? '6.2.0' : '6.0.1'} config ${cman.version}\n`);
  const conf = readConf(machine.tree);
  const number = wanted === '0' && typeof conf === 'object' ? conf.version : Number(wanted);
  const refused = (why: string) => fail(1, `cman_tool: Cannot set version: ${why}`);
  if (typeof conf !== 'object') return refused(`${confPath} cannot be read`);
  if (!(number > cman.version))
    return refused(`new configuration version has to be newer than current running configuration: ${cman.version}`);
  if (conf.version !== number) return refused(`${confPath} has version ${conf.version}, not ${wanted}`);
  for (const member of membersOf(world, machine)) {
    const theirs = readConf(member.tree);
    const service = member.state.services.cman;
    // A member whose file is another one does not follow, and is no member of this cluster from then on.
    if (service?.cman && typeof theirs === 'object' && theirs.version === number) {
      // two_node and quorumd are what they were when cman started.
      const { nodes, expectedVotes, postJoinDelay } = theirs;
      service.cman = { ...service.cman, version: number, nodes, expectedVotes, postJoinDelay };
    }
  }
  return ok();
}

/** fence_node(8): fences by what cluster.conf says of the node. */
export const fenceNodeTool: Handler = ({ world, machine, args }) => {
  const [name = ''] = getopt(args, ['-v', '-S', '-U']).rest;
  const conf = readConf(machine.tree);
  if (typeof conf !== 'object' || !cmanOf(machine)) return fail(1, `fence ${name} failed: cannot connect to ccs`);
  const node = conf.nodes.find((at) => at.name === name);
  return node && fenceNode(world, machine, node.domain)
    ? ok(`fence ${name} success\n`)
    : fail(1, `fence ${name} failed`);
};

/** ccs_config_validate(8), 3.x: 255 where there is nothing to validate. */
export const ccsConfigValidate: Handler = ({ machine: { tree }, args }) => {
  const path = getopt(args, ['-v', '-q'], ['-f']).value('-f') ?? confPath;
  const conf = readConf(tree, path);
  if (conf === undefined) return fail(255, `Unable to open ${path}: No such file or directory`);
  if (typeof conf === 'string') return fail(255, `${path}: ${conf}\nConfiguration fails to validate`);
  if (conf.invalid.length === 0) return ok('Configuration validates\n');
  const lines = conf.invalid.map((line) => `${path}: Relax-NG validity error : ${line}\n`);
  return fail(1, lines.join(''), 'Configuration fails to validate\n');
};
