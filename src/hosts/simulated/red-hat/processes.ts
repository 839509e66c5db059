import { BadUsage, fail, getopt, type Handler, ok } from '../call.ts';
import type { Machine } from '../world.ts';
import { majorOf } from './release.ts';
import { stopXvmd } from './xvmd.ts';

interface Process {
  readonly name: string;
  readonly pid: number;
}

/** The daemons of a service, in the order in which its script starts them. */
function daemonsOf(machine: Machine, service: string): readonly string[] {
  const three = majorOf(machine.tree) === 6;
  if (service === 'cman')
    return [...(three ? ['corosync'] : ['ccsd', 'aisexec', 'groupd']), 'fenced', 'dlm_controld', 'gfs_controld'];
  if (service === 'rgmanager') return [three ? 'rgmanager' : 'clurgmgrd'];
  return service === 'network' ? [] : [service];
}

function processesOf(machine: Machine): readonly Process[] {
  return Object.entries(machine.state.services).flatMap(([service, { pid, cman }]) => {
    const names = daemonsOf(machine, service);
    // One that has not joined the fence domain was cut off before its daemons were started.
    const started = cman && !cman.fenceDomain ? names.slice(0, majorOf(machine.tree) === 6 ? 1 : 2) : names;
    return started.map((name, n) => ({ name, pid: pid + n }));
  });
}

/** /proc/PID/cmdline of fence_xvmd; its words end with a NUL each. */
export function procFile(machine: Machine, path: string): Buffer | undefined {
  const service = machine.state.services.fence_xvmd;
  if (!service?.xvmd || path !== `/proc/${service.pid}/cmdline`) return undefined;
  return Buffer.from(service.xvmd.argv.map((word) => `${word}\0`).join(''));
}

/** pidof(8): all process ids on a line, the youngest first. */
const pidof: Handler = ({ machine, args }) => {
  const { rest } = getopt(args, ['-s', '-x', '-c']);
  const pids = processesOf(machine).filter(({ name }) => rest.some((arg) => arg.replace(/.*\//, '') === name));
  return pids.length === 0
    ? { code: 1 }
    : ok(
        `${pids
          .map(({ pid }) => pid)
          .reverse()
          .join(' ')}\n`,
      );
};

const signals = ['INT', 'TERM', 'KILL', 'HUP', '2', '15', '9', '1', '0'];

/** -HUP makes fence_xvmd read its key again; the others end it. No other daemon can be signalled here. */
function signal(machine: Machine, name: string, how: string | undefined, world: Parameters<typeof stopXvmd>[0]) {
  const text = (how ?? '-TERM').replace(/^-(SIG)?/, '');
  if (!signals.includes(text)) throw new BadUsage(`unknown signal ${text}`);
  if (name !== 'fence_xvmd') throw new BadUsage(`signals to ${name} are not simulated`);
  if (!['0', 'HUP', '1'].includes(text)) stopXvmd(world, machine);
}

const killall: Handler = ({ world, machine, args }) => {
  const how = args.find((arg) => arg.startsWith('-'));
  const names = args.filter((arg) => !arg.startsWith('-'));
  const absent = names.filter((name) => !processesOf(machine).some((at) => at.name === name));
  for (const name of names) if (!absent.includes(name)) signal(machine, name, how, world);
  return absent.length === 0 ? ok() : fail(1, absent.map((name) => `${name}: no process killed\n`).join(''));
};

const kill: Handler = ({ world, machine, args }) => {
  const how = args[0]?.startsWith('-') ? args[0] : undefined;
  const pids = args.slice(how === undefined ? 0 : 1);
  if (pids.length === 0) throw new BadUsage('usage: kill [-s sigspec | -n signum | -sigspec] pid');
  for (const pid of pids) {
    const found = processesOf(machine).find((at) => String(at.pid) === pid);
    if (!found) return fail(1, `kill: (${pid}) - No such process`);
    signal(machine, found.name, how, world);
  }
  return ok();
};

export const processes: Readonly<Record<string, Handler>> = { kill, killall, pidof };
