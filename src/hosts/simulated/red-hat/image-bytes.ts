import { closeSync, openSync, readSync } from 'node:fs';
import type { Layout } from '../images.ts';
import { imageOf } from '../guests.ts';
import type { Machine, World } from '../world.ts';
import { gfs2Blocks } from './gfs2-bytes.ts';
import { fileSystems, partitionsOf, sector, volumeGroup, volumeStart } from './layout.ts';

export interface Patch {
  readonly at: number;
  readonly bytes: Buffer;
}

/** Where LVM keeps its texts on a physical volume: a ring, in which older versions stay until they are written over. */
const metadataArea = 4096;

/** What is written where in an image with a file system; between that, zeros. */
function patches(layout: Layout, bytes: number): readonly Patch[] {
  const magic = fileSystems(layout).map((at) => ({ at: at + 1080, bytes: Buffer.from([0x53, 0xef]) }));
  if (layout === 'whole') return magic;
  return [...magic, { at: 446, bytes: bootRecord(layout, bytes) }, ...(layout === 'lvm' ? physicalVolume(bytes) : [])];
}

/** The partition table of a master boot record, and its signature. */
function bootRecord(layout: Layout, bytes: number): Buffer {
  const table = Buffer.alloc(66);
  for (const [n, { start, size, id, bootable }] of partitionsOf(layout, bytes).entries()) {
    table[n * 16] = bootable ? 0x80 : 0;
    table[n * 16 + 4] = Number.parseInt(id, 16);
    table.writeUInt32LE(start, n * 16 + 8);
    table.writeUInt32LE(size, n * 16 + 12);
  }
  table.set([0x55, 0xaa], 64);
  return table;
}

/** A label in the second sector, the header of the metadata area, and three versions of the group: the last one counts. */
function physicalVolume(bytes: number): readonly Patch[] {
  const start = volumeStart * sector;
  const label = Buffer.concat([Buffer.from('LABELONE'), Buffer.alloc(16), Buffer.from('LVM2 001')]);
  label.writeUInt32LE(1, 8);
  label.writeUInt32LE(32, 20);
  const texts = ([1, 2, 3] as const).map((seqno) => Buffer.from(`${volumeGroup(bytes, seqno)}\0`));
  const found: Patch[] = [];
  let at = sector;
  for (const text of texts) {
    found.push({ at: start + metadataArea + at, bytes: text });
    at = Math.ceil((at + text.length) / sector) * sector;
  }
  const header = Buffer.alloc(64);
  header.write(' LVM2 x[5A%r0N*>', 4, 'latin1');
  header.writeUInt32LE(1, 20);
  header.writeUInt32LE(metadataArea, 24);
  header.writeUInt32LE(196_608 - metadataArea, 32);
  header.writeUInt32LE((found.at(-1)?.at ?? 0) - start - metadataArea, 40);
  header.writeUInt32LE((texts.at(-1)?.length ?? 1) - 1, 48);
  return [{ at: start + sector, bytes: label }, { at: start + metadataArea, bytes: header }, ...found];
}

/** Bytes of a file of dom0. Those of an image with a file system are worked out: the small file has none of it. */
export function bytesOf(world: World, path: string, from: number, length: number): Buffer | undefined {
  const { tree } = world.dom0;
  const stat = tree.stat(path);
  if (!stat?.isFile()) return undefined;
  const buffer = Buffer.alloc(Math.max(0, Math.min(length, stat.size - from)));
  const gfs2 = world.state.gfs2[path];
  const layout = world.images.layoutOf(path);
  if (!gfs2 && layout === undefined) {
    const file = openSync(tree.real(path), 'r');
    readSync(file, buffer, 0, buffer.length, from);
    closeSync(file);
    return buffer;
  }
  for (const { at, bytes } of gfs2 ? gfs2Blocks(gfs2) : patches(layout ?? 'whole', stat.size)) {
    const first = Math.max(at, from);
    const last = Math.min(at + bytes.length, from + buffer.length);
    if (first < last) bytes.copy(buffer, first - from, first - at, last - at);
  }
  return buffer;
}

/** Bytes of a file of dom0, or of the disk of a guest: `/dev/xvdc`. */
export function bytesOn(
  world: World,
  machine: Machine,
  path: string,
  from: number,
  length: number,
): Buffer | undefined {
  if (machine.name === 'dom0') return bytesOf(world, path, from, length);
  const image = imageOf(machine, path);
  return image === undefined ? undefined : bytesOf(world, image, from, length);
}
