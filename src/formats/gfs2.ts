/*
 * GFS2 on a disk, as far as lab has to know it before it makes or adopts one: linux/gfs2_ondisk.h, all numbers big-endian. The
 * same from RHEL 5 to today. blkid(8) would tell less, and that of RHEL 5 has no `-p`.
 */

/** Bytes from the beginning of the disk to the superblock (GFS2_SB_ADDR basic blocks of 512 bytes). */
export const superblockAt = 64 * 1024;
/** Bytes of it that matter: up to the uuid. */
export const superblockLength = 272;

/** GFS2_MAGIC: every block of metadata begins with it. So do those of the first GFS. */
const magic = 0x01_16_19_70;
/** GFS2_METATYPE_SB, GFS2_METATYPE_DI. */
const [superblockType, dinodeType] = [1, 4];
/** sb_fs_format: GFS2 up to Linux 5.10, and since. Of the first GFS it is 1309. */
const formats = [1801, 1802];

export interface Superblock {
  /** Lock table, `lolcats:shared`: mkfs.gfs2(8) -t. */
  readonly table: string;
  /** In hex; zeros from the mkfs.gfs2 of 2007, which made none. */
  readonly uuid: string;
  /** Bytes of a block. */
  readonly blockSize: number;
  /** Block of the master directory, in which the file system keeps its own files. */
  readonly master: number;
}

/** @returns undefined for bytes that are no superblock of a GFS2; a GFS of the first kind has another format. */
export function readSuperblock(bytes: Buffer): Superblock | undefined {
  if (bytes.length < superblockLength || bytes.readUInt32BE(0) !== magic) return undefined;
  if (bytes.readUInt32BE(4) !== superblockType || !formats.includes(bytes.readUInt32BE(24))) return undefined;
  return {
    table: bytes.toString('latin1', 160, 224).replace(/\0.*$/s, ''),
    uuid: bytes.toString('hex', 256, 272),
    blockSize: bytes.readUInt32BE(36),
    master: Number(bytes.readBigUInt64BE(56)),
  };
}

/** struct gfs2_dinode and struct gfs2_dirent, in bytes. */
const [dinodeLength, direntLength] = [232, 40];

export interface Directory {
  /** Entries, with `.` and `..`. */
  readonly entries: number;
  /** Names and their blocks, where they stand in the dinode itself: up to some dozens. */
  readonly blocks: ReadonlyMap<string, number>;
}

/** A directory by the block of its dinode; undefined for a block that is none. */
export function readDirectory(block: Buffer): Directory | undefined {
  if (block.length < dinodeLength || block.readUInt32BE(0) !== magic || block.readUInt32BE(4) !== dinodeType)
    return undefined;
  const blocks = new Map<string, number>();
  for (let at = dinodeLength; at + direntLength <= block.length;) {
    const [length, nameLength] = [block.readUInt16BE(at + 20), block.readUInt16BE(at + 22)];
    const address = Number(block.readBigUInt64BE(at + 8));
    const name = block.toString('latin1', at + direntLength, at + direntLength + nameLength);
    // An entry that was removed has no address.
    if (address !== 0) blocks.set(name, address);
    if (length < direntLength) break;
    at += length;
  }
  return { entries: block.readUInt32BE(148), blocks };
}

/** What `od -A n -v -t x1` printed. */
export function bytesOfOd(stdout: string): Buffer {
  return Buffer.from(stdout.replaceAll(/\s+/g, ''), 'hex');
}
