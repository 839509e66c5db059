import { fail, ok, type Result } from './call.ts';
import { startCorosync, wasSeen } from './corosync.ts';
import { startListener } from './fence-daemon.ts';
import { logEntry } from './journal.ts';
import { isEnabled, isInstalled } from './packages.ts';
import { startSbd } from './sbd.ts';
import type { Service } from './state.ts';
import { daemonReload, dropIns, unitOf, units } from './unit-files.ts';
import type { Machine, World } from './world.ts';

/** What reading its configuration made of a daemon: what it read, why it did not start, or that systemd passed it over. */
export type Started =
  | { readonly is: 'running'; readonly listener?: Service['listener']; readonly ring?: Service['ring'] }
  | { readonly is: 'failed'; readonly lines: readonly string[] }
  /** A condition of the unit did not hold: systemd calls that done. */
  | { readonly is: 'skipped'; readonly why: string };

const starters: Readonly<Record<string, (world: World, machine: Machine, unit: string) => Started>> = {
  corosync: startCorosync,
  fence_virtd: startListener,
  sbd: startSbd,
};

export function unitExists({ tree }: Machine, unit: string): boolean {
  const known = unitOf(tree, unit);
  return known !== undefined && isInstalled(tree, known.package);
}

/** `systemctl start`: the units that it requires first. `midway` comes while it is activating. */
export function startUnit(world: World, machine: Machine, unit: string, midway: () => void = () => {}): Result {
  const { state, name } = machine;
  const before = state.services[unit];
  if (before?.active === 'active') return ok();
  const known = unitOf(machine.tree, unit);
  // A unit file that was not read yet is read now.
  state.loaded[unit] ??= dropIns(machine.tree, unit);
  for (const required of known?.requires ?? []) {
    const first = startUnit(world, machine, required);
    if (first.code !== 0 || state.services[required]?.active !== 'active')
      return fail(1, `A dependency job for ${unit}.service failed. See 'journalctl -xe' for details.`);
  }
  for (const [other, { requiredBy, before: ahead }] of Object.entries(units)) {
    if (!requiredBy?.includes(unit) || !unitExists(machine, other) || !isEnabled(machine.tree, other)) continue;
    startUnit(world, machine, other);
    if (ahead?.includes(unit) && state.services[other]?.active !== 'active')
      return fail(1, `A dependency job for ${unit}.service failed. See 'journalctl -xe' for details.`);
  }
  const said = (text: string) => logEntry(world, name, unit, 'systemd[1]', text);
  const title = `${unit}.service - ${known?.description}`;
  // One that was left activating began then, not now.
  const { pid, started, since } =
    before?.active === 'activating' ? before : { pid: world.nextPid(), started: world.state.clock, since: Date.now() };
  const stamp = { pid, started, since };
  state.services[unit] = { ...stamp, active: 'activating' };
  said(`Starting ${title}...`);
  world.save();
  midway();
  const outcome = starters[unit.replace(/@.*/, '')]?.(world, machine, unit) ?? { is: 'running' };
  if (outcome.is === 'skipped') {
    delete state.services[unit];
    said(`${title} was skipped because of an unmet condition check (${outcome.why}).`);
    return ok();
  }
  if (outcome.is === 'failed') {
    state.services[unit] = { ...stamp, active: 'failed' };
    for (const line of outcome.lines) logEntry(world, name, unit, `${unit}[${stamp.pid}]`, line);
    said(`${unit}.service: Failed with result 'exit-code'.`);
    // A simple unit counts as started as soon as its process exists, whatever becomes of it.
    if (/^Type=simple$/m.test(state.loaded[unit] ?? '')) return ok();
    const see = `See "systemctl status ${unit}.service" and "journalctl -xeu ${unit}.service" for details.`;
    return fail(1, `Job for ${unit}.service failed because the control process exited with error code.\n${see}`);
  }
  const { is: _, ...read } = outcome;
  state.services[unit] = { ...stamp, active: 'active', ...read };
  said(`Started ${title}.`);
  if (unit === 'corosync') wasSeen(world);
  if (unit === 'pacemaker') logEntry(world, name, unit, 'pacemaker-fenced[901]', 'Starting Pacemaker fencer');
  return ok();
}

/** `systemctl stop`: what requires the unit first. */
export function stopUnit(world: World, machine: Machine, unit: string): void {
  const { state, name } = machine;
  for (const [other, { requires, partOf }] of Object.entries(units))
    if (requires?.includes(unit) || partOf === unit) stopUnit(world, machine, other);
  if (!state.services[unit]) return;
  if (unit === 'pacemaker') logEntry(world, name, unit, 'pacemaker-fenced[901]', "Caught 'Terminated' signal");
  delete state.services[unit];
  logEntry(world, name, unit, 'systemd[1]', `Stopped ${unit}.service - ${unitOf(machine.tree, unit)?.description}.`);
}

/** At boot: systemd reads its files, and starts what is enabled. */
export function startEnabled(world: World, machine: Machine): void {
  daemonReload(machine);
  for (const unit of Object.keys(units))
    if (unitExists(machine, unit) && !units[unit]?.byOthersOnly && isEnabled(machine.tree, unit))
      startUnit(world, machine, unit);
}

/** A start whose systemctl was killed goes on: systemd does it, not systemctl. */
export function finishStarts(world: World, machines: readonly Machine[]): void {
  for (const machine of machines) {
    for (const [unit, service] of Object.entries(machine.state.services)) {
      if (service.active !== 'activating' || world.elapsed(service.since) < 0.5) continue;
      startUnit(world, machine, unit);
    }
  }
}
