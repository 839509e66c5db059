import { type Call, fail, type Handler, ok, type Result } from '../call.ts';
import type { Machine, World } from '../world.ts';
import { scripts } from './chkconfig.ts';
import { cmanOf, quorumOf } from './cman.ts';
import { startCman } from './cman-start.ts';
import { cmanStatus, stopCman } from './cman-stop.ts';
import { gfs2Status, startGfs2, stopGfs2 } from './gfs2.ts';
import { startQdiskd } from './qdiskd.ts';
import { majorOf } from './release.ts';
import { hasRpm } from './rpms.ts';
import { writeHostKeys } from './rsa.ts';
import { verdict } from './stages.ts';

type Asking = Pick<Call, 'world' | 'machine' | 'midway' | 'since'>;

/** The daemon of a service, as `status` names it. */
const daemons: Readonly<Record<string, string>> = { sshd: 'openssh-daemon', rgmanager: 'clurgmgrd' };

const titles: Readonly<Record<string, string>> = {
  clvmd: 'clvmd',
  network: 'Bringing up loopback interface',
  NetworkManager: 'NetworkManager daemon',
  qdiskd: 'the Quorum Disk Daemon',
  rgmanager: 'Cluster Service Manager',
  xend: 'xend daemon',
};

/** service(8), and init scripts by their paths. */
export const service: Handler = (call) => {
  const path = /^\/etc\/(rc\.d\/)?init\.d\/(.+)$/.exec(call.program);
  const [name = '', verb = ''] = path ? [path[2], call.args[0]] : call.args;
  const { machine } = call;
  if (!machine.tree.has(`/etc/rc.d/init.d/${name}`)) return fail(1, `${name}: unrecognized service`);
  if (verb === 'restart') {
    const stopped = act(call, name, 'stop');
    const started = act(call, name, 'start');
    return { ...started, stdout: (stopped.stdout ?? '') + (started.stdout ?? '') };
  }
  if (!['start', 'stop', 'status'].includes(verb))
    return { code: 2, stdout: `Usage: ${path ? call.program : `/etc/init.d/${name}`} {start|stop|restart|status}\n` };
  return act(call, name, verb);
};

function act(call: Asking, name: string, verb: string): Result {
  const { world, machine } = call;
  if (name === 'cman')
    return verb === 'start' ? startCman(call) : verb === 'stop' ? stopCman(world, machine) : cmanStatus(machine);
  if (name === 'gfs2')
    return verb === 'start' ? startGfs2(call) : verb === 'stop' ? stopGfs2(machine) : gfs2Status(machine);
  if (verb === 'status') return status(machine, name);
  return verb === 'start' ? startService(world, machine, name) : stopService(machine, name);
}

function status({ state, tree }: Machine, name: string): Result {
  const running = state.services[name];
  const daemon = (majorOf(tree) === 6 && name === 'rgmanager' ? name : daemons[name]) ?? name;
  if (running) return ok(`${daemon} (pid ${running.pid}) is running...\n`);
  return { code: 3, stdout: `${daemon} is stopped\n` };
}

/** Services that need a cluster: cman has joined, and there is quorum. */
const clustered = ['rgmanager', 'clvmd'];

export function startService(world: World, machine: Machine, name: string): Result {
  const { state, tree } = machine;
  const title = `Starting ${titles[name] ?? name}:`;
  const joined = cmanOf(machine)?.fenceDomain === true && quorumOf(world, machine).quorate;
  if (clustered.includes(name) && !joined) return { code: 1, stdout: verdict(title, false) };
  if (state.services[name]) return ok(verdict(title, true));
  if (name === 'qdiskd') {
    const good = startQdiskd(world, machine) === undefined;
    return { code: good ? 0 : 1, stdout: verdict(title, good) };
  }
  if (name === 'sshd') writeHostKeys(world, tree);
  state.services[name] = { active: 'active', pid: world.nextPid(), started: world.state.clock, since: Date.now() };
  return ok(verdict(title, true));
}

function stopService({ state }: Machine, name: string): Result {
  const there = state.services[name] !== undefined;
  delete state.services[name];
  const text = verdict(
    `${name === 'network' ? 'Shutting down loopback interface' : `Stopping ${titles[name] ?? name}`}:`,
    there,
  );
  return { code: there ? 0 : 1, stdout: text };
}

/** Whether init can start it at all. */
export function serviceIsThere({ tree }: Machine, name: string): boolean {
  const script = scripts.find((at) => at.name === name);
  return script !== undefined && hasRpm(tree, script.rpm);
}
