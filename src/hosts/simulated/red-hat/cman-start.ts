import { ok, type Call, type Result } from '../call.ts';
import type { Cman } from '../state.ts';
import type { Machine, World } from '../world.ts';
import { isOn } from './chkconfig.ts';
import { type ClusterConf, readConf } from './cman-conf.ts';
import { cmanOf, join, quorumOf } from './cman.ts';
import { lockFile, stopCman } from './cman-stop.ts';
import { shellVars } from './ifcfg.ts';
import { startQdiskd } from './qdiskd.ts';
import { majorOf } from './release.ts';
import { hasRpm, rpmVersion } from './rpms.ts';
import { Stages } from './stages.ts';
import { startXvmd } from './xvmd.ts';

/**
 * How long a start waits for quorum here (ms): three boot times for the scripts' own minutes, and never less than fifteen others need to
 * start on a busy machine, however quickly its guests boot.
 */
const patience = (world: World) => Math.max(1000, 3 * (world.options.bootTime ?? 400));

type Asking = Pick<Call, 'world' | 'machine' | 'midway' | 'since'>;

/** `service cman start` (facts/cman.md). Killed midway, cman has joined its cluster and not the fence domain. */
export function startCman(call: Asking): Result {
  return majorOf(call.machine.tree) === 6 ? start3(call) : start2(call);
}

const sysconfig = ({ tree }: Machine) => shellVars(tree.text('/etc/sysconfig/cman') ?? '');

/** Old enough for the document: the transcript there has no stage for the network's parameters. */
const isDocuments = (machine: Machine) => /^2\.0\.[0-7]\d-/.test(rpmVersion(machine.tree, 'cman') ?? '');

function start2(call: Asking): Result {
  const { world, machine } = call;
  const stages = new Stages('Starting cluster', 5);
  const conf = readConf(machine.tree);
  const options = sysconfig(machine).get('FENCE_XVMD_OPTS') ?? '';
  const hosts = isFencingHost(machine, conf, options);
  if (hosts) stages.stage('Enabling workaround for Xend bridged networking');
  stages.stage('Loading modules');
  stages.stage('Mounting configfs');
  if (!isDocuments(machine)) stages.stage('Setting network parameters');
  if (
    !stages.stage(
      'Starting ccsd',
      typeof conf === 'string' ? `Unable to parse /etc/cluster/cluster.conf: ${conf}` : undefined,
    )
  )
    return stages.end();
  const joined = joins(call, conf);
  const said = typeof joined === 'string' ? `${joined}\n/usr/sbin/cman_tool: aisexec daemon didn't start` : undefined;
  if (!stages.stage('Starting cman', said) || typeof joined === 'string') return stages.end();
  stages.stage('Starting daemons');
  const quorum = waitForQuorum(call);
  if (quorum === 'waits') return { ...ok(), blocked: true };
  if (!stages.stage('Starting fencing', quorum === 'none' ? '' : undefined)) return stages.end(300);
  joined.fenceDomain = true;
  if (hosts) stages.stage('Starting virtual machine fencing host', startXvmd(world, machine, words(options), {}));
  machine.tree.write(lockFile, '');
  return stages.end();
}

const words = (text: string) => text.split(/\s+/).filter(Boolean);

/** Where the init script starts fence_xvmd: a dom0 whose cluster.conf, or the options, ask for it (facts/fencing.md). */
function isFencingHost(machine: Machine, conf: ClusterConf | string | undefined, options: string): boolean {
  const asked = (typeof conf === 'object' && conf.fenceXvmd) || /(^|\s)-\w*X/.test(options);
  return asked && machine.name === 'dom0' && hasRpm(machine.tree, 'xen') && machine.state.services.xend !== undefined;
}

/** Joins, unless it has. @returns why it does not */
function joins({ world, machine, midway }: Asking, conf: ClusterConf | string | undefined): Cman | string {
  const before = cmanOf(machine);
  if (before) return before;
  if (conf === undefined) return 'cman not started: cannot find /etc/cluster/cluster.conf';
  if (typeof conf === 'string') return `cman not started: ${conf}`;
  const joined = join(machine, conf);
  if (typeof joined === 'string') return joined;
  const stamp = { pid: world.nextPid(), started: world.state.clock, since: Date.now() };
  machine.state.services.cman = { active: 'active', ...stamp, cman: joined };
  world.save();
  midway();
  return joined;
}

/** Others may be starting just now: the command waits for them. */
function waitForQuorum({ world, machine, since = 0 }: Asking): 'quorate' | 'waits' | 'none' {
  if (quorumOf(world, machine).quorate) return 'quorate';
  return since > 0 && Date.now() - since < patience(world) ? 'waits' : 'none';
}

const didNotStart = "cman_tool: corosync daemon didn't start Check cluster logs for details";
const managed = '\nNetwork Manager is either running or configured to run. Please disable it in the cluster.';

/** @throws never: a stage that fails stops what was started (facts/cman.md) */
function start3(call: Asking): Result {
  const { world, machine } = call;
  const stages = new Stages('Starting cluster', 6);
  const conf = readConf(machine.tree);
  const vars = sysconfig(machine);
  const { tree, state } = machine;
  const managerIsOn = state.services.NetworkManager !== undefined || isOn(tree, 'NetworkManager');
  const undo = (seconds?: number) => {
    stages.add(stopCman(world, machine).stdout ?? '');
    return stages.end(seconds);
  };
  stages.stage('Checking if cluster has been disabled at boot');
  if (!stages.stage('Checking Network Manager', managerIsOn ? managed : undefined)) return undo();
  for (const name of ['Global setup', 'Loading kernel modules', 'Mounting configfs']) stages.stage(name);
  const invalid = typeof conf === 'object' ? conf.invalid : [];
  const level = vars.get('CONFIG_VALIDATION') ?? 'WARN';
  const complaint = [
    ...invalid.map((line) => `Relax-NG validity error : ${line}`),
    'Configuration fails to validate',
  ].join('\n');
  if (invalid.length > 0 && level === 'FAIL') {
    stages.stage('Starting cman', `${complaint}\n${didNotStart}`);
    return undo();
  }
  const joined = joins(call, conf);
  const why =
    typeof joined === 'string'
      ? joined.replace('cman not started: ', '').replace("Can't", 'Cannot').replace('local node', 'node')
      : '';
  if (
    !stages.stage(
      'Starting cman',
      typeof joined === 'string' ? `${why}\nUnable to get the configuration\n${didNotStart}` : undefined,
    ) ||
    typeof joined === 'string'
  )
    return undo();
  if (invalid.length > 0 && level !== 'NONE') stages.add(`${complaint}\n`);
  if (joined.quorumd && !stages.stage('Starting qdiskd', startQdiskd(world, machine))) return undo();
  const timeout = Number(vars.get('CMAN_QUORUM_TIMEOUT') ?? 45);
  const quorum = waitForQuorum(call);
  if (quorum === 'waits') return { ...ok(), blocked: true };
  if (!stages.stage('Waiting for quorum', quorum === 'none' ? 'Timed-out waiting for cluster' : undefined))
    return undo(timeout);
  const rest = ['Starting fenced', 'Starting dlm_controld', 'Tuning DLM kernel config', 'Starting gfs_controld'];
  for (const name of [...rest, 'Unfencing self', 'Joining fence domain']) stages.stage(name);
  joined.fenceDomain = true;
  tree.write(lockFile, '');
  return stages.end();
}
