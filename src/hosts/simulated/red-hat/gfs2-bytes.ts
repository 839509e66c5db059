import type { Gfs2 } from '../state.ts';
import type { Patch } from './image-bytes.ts';

const block = 4096;
/** Where mkfs.gfs2 puts the master directory, and its first file: a little behind the first resource group's bitmap. */
const [master, index] = [2072, 2073];

/** Every block of metadata: magic, type, format (linux/gfs2_ondisk.h). */
function headed(type: number, format: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32BE(0x01_16_19_70, 0);
  bytes.writeUInt32BE(type, 4);
  bytes.writeUInt32BE(format, 16);
  return bytes;
}

function superblock({ table, uuid }: Gfs2): Buffer {
  const bytes = headed(1, 100, block);
  bytes.writeUInt32BE(1801, 24);
  bytes.writeUInt32BE(1900, 28);
  bytes.writeUInt32BE(block, 36);
  bytes.writeUInt32BE(12, 40);
  bytes.writeBigUInt64BE(BigInt(master), 56);
  bytes.write('lock_dlm', 96);
  bytes.write(table, 160);
  bytes.write(uuid.replaceAll('-', ''), 256, 'hex');
  return bytes;
}

/** A directory small enough to stand in its dinode. The last entry takes what room there is. */
function directory(names: readonly (readonly [string, number])[]): Buffer {
  const bytes = headed(4, 400, block);
  bytes.writeUInt32BE(names.length, 148);
  let at = 232;
  for (const [n, [name, address]] of names.entries()) {
    const length = n === names.length - 1 ? block - at : Math.ceil((40 + name.length) / 8) * 8;
    bytes.writeBigUInt64BE(BigInt(n + 1), at);
    bytes.writeBigUInt64BE(BigInt(address), at + 8);
    bytes.writeUInt16BE(length, at + 20);
    bytes.writeUInt16BE(name.length, at + 22);
    bytes.write(name, at + 40);
    at += length;
  }
  return bytes;
}

/** What mkfs.gfs2 writes, as far as anybody looks: superblock, master directory, index of journals. Cut short, the last files lack. */
export function gfs2Blocks(gfs2: Gfs2): readonly Patch[] {
  const dots = (own: number) => [['.', own] as const, ['..', master] as const];
  const journals = Array.from(
    { length: gfs2.unfinished ? 1 : gfs2.journals },
    (_, n) => [`journal${n}`, 2074 + n] as const,
  );
  const files = gfs2.unfinished ? ['jindex'] : ['jindex', 'per_node', 'inum', 'statfs', 'rindex', 'quota'];
  const own = files.map((name, n) => [name, n === 0 ? index : 4128 + n] as const);
  return [
    { at: 64 * 1024, bytes: superblock(gfs2) },
    { at: master * block, bytes: directory([...dots(master), ...own]) },
    { at: index * block, bytes: directory([...dots(index), ...journals]) },
  ];
}
