import { type Call, fail, getopt, type Handler, type Options, ok, type Result } from './call.ts';
import { bootLayer } from './guests.ts';
import { disable, enable, isEnabled } from './packages.ts';
import { daemonReload, dropIns, unitName, units } from './unit-files.ts';
import { startUnit, stopUnit, unitExists } from './units.ts';

/** systemctl(1) of systemd 252; outputs and exit codes as measured on the real dom0. */
export const systemctl: Handler = (call) => {
  const options = getopt(call.args, ['--now', '--no-pager', '--quiet', '-q'], ['-p', '--property', '--timestamp']);
  const [verb = '', ...names] = options.rest;
  if (!Object.hasOwn(verbs, verb)) return fail(1, `Unknown command verb ${verb}.`);
  return (verbs[verb] as Verb)(call, names.map(unitName), options);
};

type Verb = (call: Call, names: readonly string[], options: Options) => Result;

const stateOf = ({ machine }: Call, unit: string) => machine.state.services[unit]?.active ?? 'inactive';

/** What nobody refers to is read when it is asked for, and forgotten: as its files are now. */
const inMemory = (call: Call, unit: string) => stateOf(call, unit) !== 'inactive' || isEnabled(call.machine.tree, unit);

const isActive: Verb = (call, names) => {
  const states = names.map((unit) => stateOf(call, unit));
  return { code: states.includes('active') ? 0 : 3, stdout: states.map((state) => `${state}\n`).join('') };
};

const isEnabledVerb: Verb = (call, names) => {
  const unknown = names.filter((unit) => !unitExists(call.machine, unit));
  const answers = names.filter((unit) => !unknown.includes(unit)).map((unit) => isEnabled(call.machine.tree, unit));
  return {
    code: answers.includes(true) ? 0 : 1,
    stdout: answers.map((enabled) => (enabled ? 'enabled\n' : 'disabled\n')).join(''),
    stderr: unknown
      .map((unit) => `Failed to get unit file state for ${unit}.service: No such file or directory\n`)
      .join(''),
  };
};

const clockTime = (at: Date, fraction: string) =>
  `${at.toUTCString().slice(0, 3)} ${at.toISOString().slice(0, 10)} ${at.toISOString().slice(11, 19)}${fraction} UTC`;

/** `--timestamp=` (systemctl(1)), on a machine whose time zone is UTC. */
const stamps: Readonly<Record<string, (at: Date) => string>> = {
  pretty: (at) => clockTime(at, ''),
  unix: (at) => `@${at.getTime() / 1000}`,
  us: (at) => clockTime(at, '.000000'),
  utc: (at) => clockTime(at, ''),
  'us+utc': (at) => clockTime(at, '.000000'),
};

/** Properties are printed in systemd's order, not in that of the options. */
const show: Verb = (call, names, options) => {
  const wanted = options.values('-p', '--property').flatMap((text) => text.split(','));
  const stamp = stamps[options.value('--timestamp') ?? 'pretty'];
  if (!stamp) return fail(1, `Invalid value: ${options.value('--timestamp')}.`);
  const blocks = names.map((unit) => {
    const { machine } = call;
    const service = machine.state.services[unit];
    const exists = unitExists(machine, unit);
    const sub = { active: 'running', activating: 'start', failed: 'failed', inactive: 'dead' }[stateOf(call, unit)];
    const onDisk = dropIns(machine.tree, unit);
    const loaded = inMemory(call, unit) ? (machine.state.loaded[unit] ?? '') : onDisk;
    const started = service && stamp(new Date(service.started * 1000));
    const properties: Readonly<Record<string, string | number>> = {
      Type: /^Type=(\w+)$/m.exec(loaded)?.[1] ?? 'forking',
      MainPID: service?.active === 'active' ? service.pid : 0,
      Result: service?.active === 'failed' ? 'exit-code' : 'success',
      ExecMainStartTimestamp: started ?? '',
      ExecMainStatus: service?.active === 'failed' ? 255 : 0,
      Id: `${unit}.service`,
      LoadState: exists ? 'loaded' : 'not-found',
      ActiveState: stateOf(call, unit),
      SubState: sub,
      UnitFileState: exists ? (isEnabled(machine.tree, unit) ? 'enabled' : 'disabled') : '',
      NeedDaemonReload: exists && loaded !== onDisk ? 'yes' : 'no',
    };
    const lines = Object.entries(properties).filter(([name]) => wanted.length === 0 || wanted.includes(name));
    return lines.map(([name, value]) => `${name}=${value}\n`).join('');
  });
  return ok(blocks.join('\n'));
};

/** A verb that changes units: all must be known first. */
function changing(verb: string, code: number, change: (call: Call, unit: string, options: Options) => Result): Verb {
  return (call, names, options) => {
    const unknown = names.find((unit) => !unitExists(call.machine, unit));
    if (unknown !== undefined) {
      const what =
        code === 1
          ? `Unit file ${unknown}.service does not exist.`
          : `Failed to ${verb} ${unknown}.service: Unit ${unknown}.service not ${verb === 'stop' ? 'loaded' : 'found'}.`;
      return fail(code, code === 1 ? `Failed to ${verb} unit: ${what}` : what);
    }
    const refused = ['start', 'stop', 'restart'].includes(verb)
      ? names.find((unit) => units[unit]?.byOthersOnly)
      : undefined;
    if (refused !== undefined) {
      const why = 'may be requested by dependency only (it is configured to refuse manual start/stop)';
      return fail(4, `Failed to ${verb} ${refused}.service: Operation refused, unit ${refused}.service ${why}.`);
    }
    let stderr = '';
    for (const unit of names) {
      const result = change(call, unit, options);
      if (result.code !== 0) return result;
      stderr += result.stderr ?? '';
    }
    return ok('', stderr);
  };
}

/** systemd starts what it has in memory, not what is on the disk since. */
function warning(call: Call, unit: string): string {
  const { machine } = call;
  if (!inMemory(call, unit)) {
    delete machine.state.loaded[unit];
    return '';
  }
  if ((machine.state.loaded[unit] ?? '') === dropIns(machine.tree, unit)) return '';
  return `Warning: The unit file, source configuration file or drop-ins of ${unit}.service changed on disk. Run 'systemctl daemon-reload' to reload units.\n`;
}

function start(call: Call, unit: string, { again = false } = {}): Result {
  const stderr = warning(call, unit);
  if (again) stopUnit(call.world, call.machine, unit);
  const result = startUnit(call.world, call.machine, unit, call.midway);
  return { ...result, stderr: stderr + (result.stderr ?? '') };
}

/** `is-system-running`: a guest is `starting` until its boot is over. */
const isSystemRunning: Verb = ({ world, machine }) => {
  if (machine.running && bootLayer(world, machine.running) !== 'booted') return { code: 1, stdout: 'starting\n' };
  const degraded = Object.values(machine.state.services).some(({ active }) => active === 'failed');
  return { code: degraded ? 1 : 0, stdout: degraded ? 'degraded\n' : 'running\n' };
};

const verbs: Readonly<Record<string, Verb>> = {
  'daemon-reload': ({ machine }) => {
    daemonReload(machine);
    return ok();
  },
  'is-active': isActive,
  'is-enabled': isEnabledVerb,
  'is-system-running': isSystemRunning,
  disable: changing('disable', 1, (call, unit, options) => {
    if (options.has('--now')) stopUnit(call.world, call.machine, unit);
    return ok('', disable(call.machine.tree, unit));
  }),
  enable: changing('enable', 1, (call, unit, options) => {
    const stderr = isEnabled(call.machine.tree, unit) ? '' : enable(call.machine.tree, unit);
    return options.has('--now') ? start(call, unit) : ok('', stderr);
  }),
  restart: changing('restart', 5, (call, unit) => start(call, unit, { again: true })),
  show,
  start: changing('start', 5, (call, unit) => start(call, unit)),
  stop: changing('stop', 5, (call, unit) => {
    stopUnit(call.world, call.machine, unit);
    return ok();
  }),
};
