import { readSnapshots, type Snapshot } from '../formats/qemu-snapshots.ts';
import { type Change, command } from '../model/change.ts';
import { LabError, Refused } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Step } from '../model/step.ts';
import { askMonitor } from './monitor.ts';
import type { SandboxPaths } from './paths.ts';
import { runningPid } from './qemu.ts';

/*
 * The sandbox at one point in time: memory, devices and both disks, dom0 and all guests in it. QEMU keeps them inside its
 * qcow2 disks (savevm), which nothing else uses.
 */

const placed = (name: string, title: string) => ({
  kind: 'step' as const,
  id: `snapshot.${name}`,
  title,
  section: '',
  on: 'local',
  after: [],
});

/** All that is saved, the oldest first; none where there is no sandbox. */
export async function savedStates(local: Reader, paths: SandboxPaths): Promise<readonly Snapshot[]> {
  if ((await runningPid(local, paths)) !== undefined)
    return readSnapshots(await askMonitor(paths.monitor, 'info snapshots'));
  if (!(await local.stat(paths.dom0Disk))) return [];
  return readSnapshots((await local.read(['qemu-img', 'snapshot', '-l', paths.dom0Disk])).stdout);
}

/** Saves everything as it is at this moment. @throws Refused (from the check) if nothing runs */
export function saved(paths: SandboxPaths, name: string): Step {
  return {
    ...placed('save', `Save the sandbox as ${name}`),
    async check({ host }): Promise<readonly Change[]> {
      if ((await savedStates(host, paths)).some((one) => one.name === name)) return [];
      if ((await runningPid(host, paths)) === undefined)
        throw new Refused('the sandbox does not run: there is nothing to save', 'lab sandbox up');
      return [told(paths, `savevm ${name}`)];
    },
  };
}

/**
 * Goes back to a saved state: what happened since is lost.
 * @param start the command that starts QEMU, for a sandbox that does not run
 */
export function restored(paths: SandboxPaths, name: string, start: Step): Step {
  let done = false;
  return {
    ...placed('restore', `Go back to ${name}`),
    provides: 'dom0',
    settle: { within: 120_000, hint: `read its serial log: ${paths.serial}` },
    // Not a state that could be looked for: it is asked for, and done once.
    async check(look): Promise<readonly Change[]> {
      if (done) return (await start.check(look)).filter(({ is }) => is === 'wait');
      await present(look.host, paths, name);
      const destroys = `all that happened in the sandbox since ${name}`;
      const finished: Change = { is: 'act', says: 'go on from there', act: async () => void (done = true) };
      if ((await runningPid(look.host, paths)) !== undefined)
        return [{ ...told(paths, `loadvm ${name}`), destroys }, finished];
      const [boot] = (await start.check(look)).filter((change) => change.is === 'command');
      if (!boot) throw new LabError('QEMU cannot be started', 'lab sandbox up');
      return [{ ...boot, argv: [...boot.argv, '-loadvm', name], destroys }, finished];
    },
  };
}

/** Forgets a saved state. @throws Refused (from the check) if there is none */
export function forgotten(paths: SandboxPaths, name: string): Step {
  let done = false;
  return {
    ...placed('delete', `Forget ${name}`),
    async check({ host }): Promise<readonly Change[]> {
      if (done) return [];
      await present(host, paths, name);
      const finished: Change = { is: 'act', says: 'free its space', act: async () => void (done = true) };
      const destroys = `the saved state ${name}`;
      if ((await runningPid(host, paths)) !== undefined)
        return [{ ...told(paths, `delvm ${name}`), destroys }, finished];
      const disks = [paths.dom0Disk, paths.guestsDisk];
      return [...disks.map((disk) => command(['qemu-img', 'snapshot', '-d', name, disk], { destroys })), finished];
    },
  };
}

async function present(local: Reader, paths: SandboxPaths, name: string): Promise<void> {
  const there = await savedStates(local, paths);
  if (there.some((one) => one.name === name)) return;
  const names = there.map((one) => one.name).join(', ');
  throw new Refused(`nothing was saved as ${name}`, names === '' ? 'lab snapshot save NAME' : `there is: ${names}`);
}

/** Something said to the monitor: any answer is a complaint. */
function told({ monitor }: SandboxPaths, line: string): Extract<Change, { is: 'act' }> {
  return {
    is: 'act',
    says: `(qemu) ${line}`,
    async act() {
      const answer = await askMonitor(monitor, line);
      if (answer === '') return;
      // A loadvm that failed leaves the machine paused, and perhaps half of another one (seen with QEMU 7.2).
      const paused = (await askMonitor(monitor, 'info status')).includes('paused');
      throw new LabError(
        `QEMU’s monitor: ${line}: ${answer}`,
        paused ? 'the sandbox is paused now: restore another state, or lab sandbox down && lab up' : undefined,
      );
    },
  };
}
