import { bytesOfOd, readDirectory, readSuperblock, superblockAt, superblockLength } from '../formats/gfs2.ts';
import { type Change, command } from '../model/change.ts';
import { Refused } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Lab, Storage } from '../spec/lab.ts';

/** mkfs.gfs2(8) with a journal for each guest. -O: it asks nothing, so what is on the disk was looked at before. */
export const makeGfs2 = ({ guests }: Lab, { table }: Storage, device: string, found = 'which is blank'): Change =>
  command(['mkfs.gfs2', '-O', '-p', 'lock_dlm', '-t', table, '-j', String(guests.length), device], {
    why: `mkfs.gfs2 with lock table ${table} and ${guests.length} journals on ${device}, ${found}`,
  });

/** What is on a shared disk. */
export type OnDisk =
  | { readonly is: 'blank' | 'something else' }
  /** `journals` is undefined while mkfs.gfs2 has not come to its end: such a file system was never mounted. */
  | { readonly is: 'gfs2'; readonly table: string; readonly uuid: string; readonly journals: number | undefined };

/** Where signatures are: LVM, swap, ext, btrfs in the first MiB; old RAID sets and the second GPT in the last 128 KiB. */
const [head, tail] = [1024 ** 2, 128 * 1024];
/** od(1) puts `*` for lines that are like the one before. */
const zeros = /^( 00){16}\n\*\n$/;

/**
 * Looks at a disk with od(1) and dd(1) alone, so on RHEL 5 as on any younger system; nothing is mounted.
 * @param bytes how big it is
 * @throws Refused when it cannot be read
 */
export async function onDisk(host: Reader, device: string, bytes: number): Promise<OnDisk> {
  const superblock = readSuperblock(await bytesAt(host, device, superblockAt, superblockLength));
  if (superblock) {
    const { table, uuid, master, blockSize } = superblock;
    const directory = async (block: number) => readDirectory(await bytesAt(host, device, block * blockSize, blockSize));
    const own = (await directory(master))?.blocks;
    const index = own?.get('jindex');
    // mkfs makes the quota file last; the index of the journals has an entry for each, `.` and `..`.
    const whole = index !== undefined && own?.has('quota') ? await directory(index) : undefined;
    return { is: 'gfs2', table, uuid, journals: whole && whole.entries - 2 };
  }
  const [first, last] = await Promise.all([
    readable(host, device, ['od', '-A', 'n', '-t', 'x1', '-N', String(head), device]),
    // dd seeks; the od of 2007 reads all that it skips.
    readable(host, device, ['dd', `if=${device}`, `bs=${tail}`, `skip=${Math.floor(bytes / tail) - 1}`, 'count=2']),
  ]);
  return { is: zeros.test(first) && /^\0*$/.test(last) ? 'blank' : 'something else' };
}

/** The uuid in the superblock, in hex. */
export async function gfs2Uuid(host: Reader, device: string): Promise<string | undefined> {
  return readSuperblock(await bytesAt(host, device, superblockAt, superblockLength))?.uuid;
}

async function bytesAt(host: Reader, device: string, from: number, length: number): Promise<Buffer> {
  const range = ['-j', String(from), '-N', String(length)];
  return bytesOfOd(await readable(host, device, ['od', '-A', 'n', '-v', '-t', 'x1', ...range, device]));
}

async function readable(host: Reader, device: string, argv: [string, ...string[]]): Promise<string> {
  const { code, stdout, stderr } = await host.read(argv);
  if (code === 0) return stdout;
  throw new Refused(
    `what is on ${device} cannot be told: ${stderr.trim() || `${argv[0]} ended with ${code}`}`,
    `look at it: lab ssh ${host.name} -- fdisk -l ${device}; storage: none in lab.yaml leaves the disk alone`,
  );
}
