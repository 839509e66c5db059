import { basename, join } from 'node:path';
import { type Change, command, wait } from '../model/change.ts';
import { quoteWord } from '../hosts/quote.ts';
import { LabError } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Step } from '../model/step.ts';
import { type Placed, textOf } from '../steps/file-content.ts';
import { kvmIsUsed } from './accelerator.ts';
import type { BuiltDom0 } from './dom0-image.ts';
import { guestsDiskBytes } from './guests-disk.ts';
import { askMonitor } from './monitor.ts';
import type { SandboxPaths } from './paths.ts';
import { memoryOf, qemu, runningPid } from './qemu.ts';
import { readyForSeed, seedBytes } from './seeding.ts';
import { untilBooted } from './serial.ts';
import { withoutEmptyPages } from './slim.ts';

/** A machine that is stopped when it is saved goes on by itself when it is loaded (QEMU's source, migration/global_state.c). */
const goesOn = ['-global', 'migration.store-global-state=off'] as const;

/*
 * dom0 is booted once, without a seed, and saved with its memory: a new sandbox lays its disks over that and goes on from there,
 * in seconds. What is saved fits one image, one size of memory, one accelerator and one version of QEMU.
 */

/** What a first boot depends on. */
export interface First {
  readonly paths: SandboxPaths;
  readonly built: BuiltDom0;
  /** All guests together (MiB). */
  readonly guestMemory: number;
}

/** Which machine it would be now, and where its saved state lies in the cache, whether it is there or not. */
export async function machineNow(local: Reader, { paths, built, guestMemory }: First) {
  const [kvm, { stdout }] = await Promise.all([
    kvmIsUsed(local, paths),
    local.read(['qemu-system-x86_64', '--version']),
  ]);
  const version = /version ([\w.]+)/.exec(stdout)?.[1] ?? 'unknown';
  const name = `saved-lean-${kvm ? 'kvm' : 'tcg'}-${memoryOf(guestMemory)}-qemu-${version}`;
  const directory = join(built.directory, name);
  return {
    machine: { kvm, guestMemory },
    saved: { directory, disk: join(directory, 'dom0.qcow2'), state: join(directory, 'state') },
  };
}

/** Where the first boot happens. It is thrown away with the sandbox if it does not come to its end. */
function firstPaths({ state }: SandboxPaths) {
  const directory = join(state, 'first-boot');
  const inside = (name: string) => join(directory, name);
  return {
    directory,
    dom0Disk: inside('dom0.qcow2'),
    guestsDisk: inside('guests.qcow2'),
    seedTar: inside('seed'),
    memory: inside('state'),
    serial: inside('serial.log'),
    pid: join(state, 'first.pid'),
    // Near the root: the path of a socket has 108 bytes.
    monitor: join(state, 'first.sock'),
  };
}

/** The process that boots dom0 for the first time, if it does so now. */
export const firstBootPid = (local: Reader, paths: SandboxPaths) => runningPid(local, firstPaths(paths));

async function isSaved(local: Reader, first: First): Promise<boolean> {
  // A sandbox that has its disks goes on with them.
  if (await local.stat(first.paths.dom0Disk)) return true;
  const { saved } = await machineNow(local, first);
  return (await local.stat(saved.directory)) !== undefined;
}

/** Boots dom0 without a seed, up to where it waits for one. */
export function firstBoot(placed: Placed, first: First): Step {
  const there = firstPaths(first.paths);
  const overlay = ['qemu-img', 'create', '-q', '-f', 'qcow2'] as const;
  return {
    kind: 'step',
    ...placed,
    settle: untilBooted(there.serial),
    async check({ host }): Promise<readonly Change[]> {
      if (await isSaved(host, first)) return [];
      if ((await runningPid(host, there)) !== undefined) {
        const said = textOf(await host.readFile(there.serial)) ?? '';
        return said.includes(readyForSeed) ? [] : [wait('wait for dom0 to boot')];
      }
      const { machine } = await machineNow(host, first);
      return [
        command(['rm', '-rf', there.directory]),
        command(['mkdir', there.directory]),
        command([...overlay, '-F', 'raw', '-b', first.built.disk, there.dom0Disk]),
        command([...overlay, there.guestsDisk, String(guestsDiskBytes)]),
        command(['truncate', '-s', String(seedBytes), there.seedTar]),
        command([...qemu(there, first.built, machine), ...goesOn], { outlives: true }),
      ];
    },
  };
}

/** Saves it, with its memory, for all sandboxes of this user. */
export function firstBootSaved(placed: Placed, first: First): Step {
  const there = firstPaths(first.paths);
  return {
    kind: 'step',
    ...placed,
    async check({ host }): Promise<readonly Change[]> {
      if (await isSaved(host, first)) return [];
      const { directory } = (await machineNow(host, first)).saved;
      const fresh = `${directory}.${first.paths.lab}`;
      return [
        {
          is: 'act',
          says: `(qemu) stop, migrate exec:cat > ${there.memory}, end QEMU, and leave empty pages out`,
          async act(local) {
            await save(there.monitor, there.memory);
            const pid = String(await runningPid(local, there));
            await local.run(['kill', '-TERM', pid]);
            // Its disk is complete when it has ended.
            await local.run(['timeout', '60', 'tail', `--pid=${pid}`, '-f', '/dev/null']);
            withoutEmptyPages(there.memory);
          },
        },
        command(['rm', '-f', there.guestsDisk, there.seedTar]),
        // Relative: a cache that was moved, or a home that was renamed, is still whole.
        command([
          'qemu-img',
          'rebase',
          '-u',
          '-F',
          'raw',
          '-b',
          join('..', basename(first.built.disk)),
          there.dom0Disk,
        ]),
        // The cache may be another file system: only the last step is atomic, and another lab may have been faster.
        command(['rm', '-rf', fresh]),
        command(['mv', '-T', there.directory, fresh]),
        command(['sh', '-c', '[ -d "$2" ] && rm -rf "$1" || mv -T "$1" "$2"', 'sh', fresh, directory]),
      ];
    },
  };
}

/**
 * Saves a machine that stands still. While it runs, QEMU without KVM may miss what it writes (docs/decisions/004): a
 * Xen was saved that panicked each time it was loaded.
 */
async function save(monitor: string, path: string): Promise<void> {
  await askMonitor(monitor, 'stop');
  const line = `exec:cat > ${quoteWord(path)}`.replace(/["\\]/g, '\\$&');
  const complaint = await askMonitor(monitor, `migrate "${line}"`);
  const state = await askMonitor(monitor, 'info migrate');
  if (!/^Migration status: completed/im.test(state))
    throw new LabError(`QEMU could not save dom0: ${complaint || state}`, 'is there room for a gigabyte?');
}
