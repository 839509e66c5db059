import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { type Change, command } from '../model/change.ts';
import type { Step } from '../model/step.ts';
import { buildDebianImage, type DebianImage, imageKey } from '../steps/debian-image.ts';
import type { Placed } from '../steps/file-content.ts';
import type { SandboxPaths } from './paths.ts';

/** Size of the file system that dom0 sees as /guests (bytes, sparse). */
export const guestsDiskBytes = 200 * 1024 ** 3;

/** What dom0 finds in its images' directory: the default image, if lab installs it. */
export interface GuestsDisk {
  readonly image: DebianImage | undefined;
  /** The default image's file name and size. */
  readonly name: string;
  readonly size: number;
}

/** Where a built disk lies in the cache. */
export function builtGuestsDisk(cache: string, disk: GuestsDisk): string {
  const key = createHash('sha256')
    .update(JSON.stringify([disk.image && imageKey(disk.image), disk.name, disk.size, guestsDiskBytes]))
    .digest('hex')
    .slice(0, 16);
  return join(cache, `guests-${key}.img`);
}

/**
 * The default image, built natively and handed over on a disk of its own: copying it through ssh into an emulated machine
 * takes longer than building it. The file system is XFS: clones inside dom0 are reflinks then, and cost nothing.
 */
export function guestsDiskBuilt(
  placed: Placed,
  { disk, cache, work, paths }: { disk: GuestsDisk; cache: string; work: string; paths: SandboxPaths },
): Step {
  const built = builtGuestsDisk(cache, disk);
  const fresh = `${built}.new`;
  const mount = `${built}.mount`;
  const inside = join(mount, basename(disk.name));
  return {
    kind: 'step',
    ...placed,
    async check({ host }): Promise<readonly Change[]> {
      if ((await host.stat(built)) || (await host.stat(paths.guestsDisk))) return [];
      const mounted = new TextDecoder().decode(await host.readFile('/proc/mounts')).includes(` ${mount} `);
      const filled = disk.image ? buildDebianImage(disk.image, { work, output: inside, bytes: disk.size }) : [];
      return [
        ...(mounted ? [command(['umount', mount])] : []),
        command(['mkdir', '-p', mount]),
        command(['rm', '-f', fresh]),
        command(['truncate', '-s', String(guestsDiskBytes), fresh]),
        command(['mkfs.xfs', '-q', '-m', 'reflink=1', fresh]),
        command(['mount', '-o', 'loop', fresh, mount]),
        ...filled,
        command(['umount', mount]),
        command(['rmdir', mount]),
        command(['mv', '-T', fresh, built]),
      ];
    },
  };
}
