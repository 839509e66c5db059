import { isLinear, lvmVolumes, partitionsOf } from '../formats/image-layout.ts';
import { Refused } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';

const sector = 512;
/** Sectors of a physical volume in which LVM keeps its metadata: the first mebibyte. */
const metadata = 2048;

/**
 * Where the root file system begins in a raw image (bytes): so `mount -o loop,offset=` reaches it, and no volume group has to
 * be activated. All clones carry the default image's groups, names and uuids, and dom0 may have a group of that name itself.
 * With LVM the root is the volume that the installers call LogVol00 or lv_root; else the largest Linux partition.
 * @throws Refused if there is no such file system
 */
export async function rootOffset(host: Reader, image: string): Promise<number> {
  if (await holdsExt(host, image, 0)) return 0;
  const partitions = partitionsOf((await host.read(['sfdisk', '-d', image])).stdout);
  const lvm = partitions.find(({ type }) => type === '8e');
  const offset = lvm
    ? lvm.start + (await rootVolume(host, image, lvm.start))
    : partitions.filter(({ type }) => type === '83').sort((a, b) => b.size - a.size)[0]?.start;
  if (offset !== undefined && (await holdsExt(host, image, offset))) return offset;
  throw new Refused(
    `${image}: no root file system found: neither on the whole image, nor in a partition, nor in a logical volume`,
    `look at it on dom0: sfdisk -d ${image}`,
  );
}

/** ext2/3/4 says so 1080 bytes from its beginning (ext4 documentation, super block: s_magic). */
async function holdsExt(host: Reader, image: string, offset: number): Promise<boolean> {
  const { stdout } = await host.read(['od', '-A', 'n', '-t', 'x1', '-j', String(offset + 1080), '-N', '2', image]);
  return stdout.trim() === '53 ef';
}

async function rootVolume(host: Reader, image: string, start: number): Promise<number> {
  const { stdout } = await host.read([
    'dd',
    `if=${image}`,
    `bs=${sector}`,
    `skip=${start / sector}`,
    `count=${metadata}`,
  ]);
  const volumes = lvmVolumes(stdout);
  const root = volumes.find(({ volume }) => /^(LogVol00|lv_root|root)$/.test(volume)) ?? volumes[0];
  const first = root?.segments[0];
  if (root && first && isLinear(root)) return first.start;
  throw new Refused(
    `${image}: its root lies on a logical volume that is not in one piece${root ? ` (${root.group}/${root.volume})` : ''}`,
    'install the default image with one linear root volume, or without LVM',
  );
}
