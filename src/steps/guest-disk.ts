import { type Change, command } from '../model/change.ts';
import { Refused } from '../model/errors.ts';
import type { FileReader } from '../model/host.ts';
import type { Look, Step } from '../model/step.ts';
import { type Placed, textOf } from './file-content.ts';
import { allInto, type GuestFile, missingIn, under } from './guest-files.ts';
import { rootOffset } from './image-root.ts';
import { mark, markOn, sealOf } from './marks.ts';

export interface GuestDisk {
  readonly image: string;
  readonly mount: string;
  readonly files: readonly GuestFile[];
  /** `whole`: looked into with debugfs. `partitioned`: debugfs cannot; what was written is sealed by a digest on the image. */
  readonly disk: 'whole' | 'partitioned';
  /** Commands inside, after the files: programs of the guest's own system. */
  readonly inside?: readonly string[];
  isRunning(look: Look): Promise<boolean>;
}

/**
 * Files on the disk of a guest that is off: mounted on dom0, written, unmounted. While the guest runs its disk is left alone;
 * what it should hold is then checked inside the guest (missingInGuest).
 * @throws Refused (from the check) when the image is attached to something else
 */
export function guestDisk(placed: Placed, wanted: GuestDisk): Step {
  const { image, mount, isRunning } = wanted;
  return {
    kind: 'step',
    ...placed,
    async check(look): Promise<readonly Change[]> {
      const { host } = look;
      const [running, mounts, loops] = await Promise.all([
        isRunning(look),
        host.readFile('/proc/mounts'),
        // Not -j: the losetup of xm's day has none.
        host.read(['losetup', '-a']),
      ]);
      if (running) return [];
      // Left by a run that was killed: it is ours, and we go on in it.
      const mounted = textOf(mounts)?.includes(` ${mount} `) ?? false;
      const loop = loops.stdout.split('\n').find((line) => line.includes(`(${image})`));
      if (!mounted && loop !== undefined) {
        throw new Refused(
          `${image} is attached to a loop device: ${loop}`,
          'detach it (umount, losetup -d), or wait for whoever uses it',
        );
      }
      return wanted.disk === 'whole' ? whole(look, wanted, mounted) : partitioned(look, wanted, mounted);
    },
  };

  async function whole({ host }: Look, { files }: GuestDisk, mounted: boolean): Promise<readonly Change[]> {
    const disk = mounted ? under(host, mount) : sparing(host.disk(image));
    const missing = (await Promise.all(files.map((file) => missingIn(disk, host, mount, file)))).flat();
    const unmount = command(['umount', mount]);
    if (missing.length === 0) return mounted ? [unmount] : [];
    const attach = mounted ? [] : [command(['mkdir', '-p', mount]), command(['mount', '-o', 'loop', image, mount])];
    return [...attach, ...missing, unmount];
  }
}

/** A debugfs tells of all files whether they are there, and one their digests; each that is read costs one more. So only those that are there are read. */
function sparing(disk: FileReader): FileReader {
  return {
    stat: (path) => disk.stat(path),
    digest: (path) => disk.digest(path),
    readFile: async (path) => ((await disk.stat(path)) === undefined ? undefined : disk.readFile(path)),
  };
}

/** All is written, and then the image sealed with a digest of it: a run that finds the seal has nothing to do. */
async function partitioned(
  { host }: Look,
  { image, mount, files, inside }: GuestDisk,
  mounted: boolean,
): Promise<readonly Change[]> {
  const [found, wanted] = await Promise.all([markOn(host, image, 'inside'), sealOf(host, files, inside)]);
  const unmount = command(['umount', mount]);
  if (found === wanted) return mounted ? [unmount] : [];
  const attach: readonly Change[] = [
    command(['mkdir', '-p', mount]),
    {
      is: 'act',
      says: `mount -o loop,offset=… ${image} ${mount}  (the offset of its root file system: no volume group is activated)`,
      async act(dom0) {
        const offset = await rootOffset(dom0, image);
        const ran = await dom0.run(['mount', '-o', `loop,offset=${offset}`, image, mount]);
        if (ran.code !== 0) throw new Refused(`${image} cannot be mounted on dom0: ${ran.stderr.trim()}`);
      },
    },
  ];
  return [
    ...(mounted ? [] : attach),
    ...allInto(mount, files),
    ...(inside ? [command(['chroot', mount, ...inside])] : []),
    unmount,
    {
      is: 'act',
      says: `seal ${image} as edited`,
      async act(dom0) {
        const { argv } = mark(image, await sealOf(dom0, files, inside), 'inside');
        const ran = await dom0.run(argv);
        if (ran.code !== 0) throw new Refused(`${image} cannot be marked: ${ran.stderr.trim()}`);
      },
    },
  ];
}
