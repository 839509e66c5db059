import { type Call, ok, type Result } from '../call.ts';
import { guestsOf, imageOf } from '../guests.ts';
import type { Mount, Running } from '../state.ts';
import type { Machine, World } from '../world.ts';
import { cmanOf, quorumOf } from './cman.ts';
import { majorOf } from './release.ts';
import { verdict } from './stages.ts';

/** The init script gfs2 of the cluster project (gfs2/init.d). Whatever mount(8) says, it ends with 0, and so does `status`. */

const lockFile = '/var/lock/subsys/gfs2';

interface Line {
  readonly device: string;
  readonly at: string;
  readonly options: string;
}

/** Lines of fstab(5) that the script sees: of type gfs2, without noauto. */
function listed({ tree }: Machine): readonly Line[] {
  const rows = (tree.text('/etc/fstab') ?? '').split('\n').filter((line) => !line.startsWith('#'));
  return rows.flatMap((row) => {
    const [device = '', at = '', type, options = ''] = row.trim().split(/\s+/);
    return type === 'gfs2' && !options.includes('noauto') ? [{ device, at, options }] : [];
  });
}

const mountsOf = ({ running }: Machine) => running?.mounts ?? [];

/** mount.gfs2(8): what it says if it cannot (gfs2/mount/util.c). The last line is its own, whatever the cause. */
function mount(world: World, machine: Machine, { device, at, options }: Line): Mount | readonly string[] {
  const says = (...lines: string[]) => lines.map((line) => `/sbin/mount.gfs2: ${line}\n`);
  const refused = (...lines: string[]) => says(...lines, 'error mounting lockproto lock_dlm');
  const image = imageOf(machine, device);
  const gfs2 = image === undefined ? undefined : world.state.gfs2[image];
  if (!machine.tree.isDirectory(at)) return [`mount: mount point ${at} does not exist\n`];
  if (image === undefined) return says(`can't open ${device}: No such file or directory`);
  if (!gfs2) return says(`not a GFS2 filesystem`);
  const cman = cmanOf(machine);
  if (!cman?.fenceDomain) {
    // It waits for the daemon, ten times a second long. A node that was cut off before its daemons started has none either.
    return refused(...Array<string>(10).fill('waiting for gfs_controld to start'), 'gfs_controld not running');
  }
  if (!gfs2.table.startsWith(`${cman.cluster}:`)) return refused('fs is for a different cluster');
  if (!quorumOf(world, machine).quorate) return refused('node not a member of the default fence domain');
  const failed = (why: string) => says(`error mounting ${device} on ${at}: ${why}`);
  if (gfs2.unfinished) return failed('Invalid argument');
  const taken = guestsOf(world).flatMap((other) => mountsOf(other).filter((one) => one.image === image));
  const free = Array.from({ length: gfs2.journals }, (_, n) => n);
  const journal = free.find((n) => taken.every((one) => one.gfs2?.journal !== n));
  if (journal === undefined) return says('Too many nodes mounting filesystem, no free journals');
  return { image, at, gfs2: { device, options, journal } };
}

/** `start`: mount -a -t gfs2. Killed midway all is mounted, and the lock file is not made. */
export function startGfs2({ world, machine, midway }: Pick<Call, 'world' | 'machine' | 'midway'>): Result {
  const { running, tree } = machine;
  const lines = listed(machine);
  const two = majorOf(tree) !== 6;
  const done = () => tree.write(lockFile, '');
  if (lines.length === 0 || !running) {
    if (two) done();
    return ok();
  }
  const wrong = lines.flatMap((line) => {
    if (mountsOf(machine).some(({ at }) => at === line.at)) return [];
    const mounted = mount(world, machine, line);
    if (!('image' in mounted)) return mounted;
    running.mounts = [...mountsOf(machine), mounted];
    return [];
  });
  world.save();
  midway();
  if (wrong.length === 0 || two) done();
  return { code: 0, stdout: verdict('Mounting GFS2 filesystems: ', wrong.length === 0), stderr: wrong.join('') };
}

/** `stop`: umount -a -t gfs2, of whatever is mounted. */
export function stopGfs2({ running, tree }: Machine): Result {
  const there = (running?.mounts?.length ?? 0) > 0;
  if (running) delete running.mounts;
  tree.remove(lockFile);
  return ok(there ? verdict('Unmounting GFS2 filesystems: ', true) : '');
}

/** `status`: what fstab and /proc/mounts say. */
export function gfs2Status(machine: Machine): Result {
  const told = (title: string, paths: readonly string[]) =>
    paths.length === 0 ? '' : `${title} GFS2 mountpoints: \n${paths.map((path) => `${path}\n`).join('')}`;
  const configured = listed(machine).map(({ at }) => at);
  const active = mountsOf(machine).map(({ at }) => at);
  return ok(told('Configured', configured) + told('Active', active));
}

/** Its lines of /proc/mounts. */
export function gfs2Mounts(mounts: Running['mounts'] = [], major: number | undefined): readonly string[] {
  return mounts.flatMap(({ at, gfs2 }) => {
    if (!gfs2) return [];
    const { device, options, journal } = gfs2;
    const own = options.split(',').filter((option) => /^no(dir)?atime$/.test(option));
    const first = journal === 0 ? 1 : 0;
    const host = major === 6 ? `hostdata=jid=${journal}` : `hostdata=jid=${journal}:id=65538:first=${first}`;
    return [`${device} ${at} gfs2 ${['rw', ...own, host].join(',')} 0 0\n`];
  });
}
