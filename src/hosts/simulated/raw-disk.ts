import * as fs from 'node:fs';
import { BadUsage, fail, getopt, type Handler, ok } from './call.ts';
import { disksByDevice } from './domain-xml.ts';
import { bytesOf } from './red-hat/image-bytes.ts';
import type { Machine, World } from './world.ts';

/** The image behind a disk of a guest: `/dev/xvdc`. */
export function imageOf({ running }: Machine, device: string): string | undefined {
  const name = device.replace(/^\/dev\//, '');
  if (running?.xm) return running.xm.disks.find(({ dev }) => dev === name)?.path;
  return running && disksByDevice(running.xml).get(name);
}

/** A guest's disks, by their devices. */
export function devicesOf({ running }: Machine): readonly string[] {
  if (running?.xm) return running.xm.disks.map(({ dev }) => `/dev/${dev}`);
  return running ? [...disksByDevice(running.xml).keys()].map((name) => `/dev/${name}`) : [];
}

/** Where a GFS2 has its superblock. */
const gfs2Super = 65_536;

/** Bytes of a file of dom0, or of a disk of a guest. */
export function rawBytes(
  world: World,
  machine: Machine,
  path: string,
  from: number,
  length: number,
): Buffer | undefined {
  const image = machine.name === 'dom0' ? path : imageOf(machine, path);
  const bytes = image === undefined ? undefined : bytesOf(world, image, from, length);
  // A GFS2 is not in the image's bytes here.
  const at = gfs2Super - from;
  if (bytes && image !== undefined && world.state.gfs2[image] && at >= 0 && at < bytes.length) bytes[at] = 1;
  return bytes;
}

/** Writes to a disk of a guest: into its image. */
export function writeRaw(world: World, image: string, bytes: Buffer, at: number): void {
  const { tree } = world.dom0;
  const file = fs.openSync(tree.real(image), 'r+');
  fs.writeSync(file, bytes, 0, bytes.length, at);
  fs.closeSync(file);
  tree.touch(image);
}

/** cmp(1) -n COUNT DISK /dev/zero. */
export const cmp: Handler = ({ world, machine, args }) => {
  const options = getopt(args, [], ['-n']);
  const [path = '', other] = options.rest;
  const count = Number(options.value('-n'));
  if (other !== '/dev/zero' || !(count > 0)) throw new BadUsage('simulated with -n COUNT FILE /dev/zero only');
  const bytes = rawBytes(world, machine, path, 0, count);
  if (!bytes) return fail(2, `cmp: ${path}: No such file or directory`);
  const differs = bytes.findIndex((byte) => byte !== 0);
  if (differs < 0 && bytes.length < count) return fail(1, `cmp: EOF on ${path} after byte ${bytes.length}, line 1`);
  if (differs < 0) return ok();
  return { code: 1, stdout: `${path} /dev/zero differ: byte ${differs + 1}, line 1\n` };
};
