import { closeSync, openSync, writeSync } from 'node:fs';
import { BadUsage, fail, getopt, type Handler, ok } from './call.ts';
import { bytesOn } from './red-hat/image-bytes.ts';
import type { Machine, World } from './world.ts';
import { readDomain } from './domain-xml.ts';

/** A guest's disks, by their devices. */
export function devicesOf({ running }: Machine): readonly string[] {
  if (running?.xm) return running.xm.disks.map(({ dev }) => `/dev/${dev}`);
  return running ? Object.keys(readDomain(running.xml).hardware.images).map((name) => `/dev/${name}`) : [];
}

/** Writes to a disk of a guest: into its image. */
export function writeRaw(world: World, image: string, bytes: Buffer, at: number): void {
  const { tree } = world.dom0;
  const file = openSync(tree.real(image), 'r+');
  writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
  tree.touch(image);
}

/** cmp(1) -n COUNT DISK /dev/zero. */
export const cmp: Handler = ({ world, machine, args }) => {
  const options = getopt(args, [], ['-n']);
  const [path = '', other] = options.rest;
  const count = Number(options.value('-n'));
  if (other !== '/dev/zero' || !(count > 0)) throw new BadUsage('simulated with -n COUNT FILE /dev/zero only');
  const bytes = bytesOn(world, machine, path, 0, count);
  if (!bytes) return fail(2, `cmp: ${path}: No such file or directory`);
  const differs = bytes.findIndex((byte) => byte !== 0);
  if (differs < 0 && bytes.length < count) return fail(1, `cmp: EOF on ${path} after byte ${bytes.length}, line 1`);
  if (differs < 0) return ok();
  return { code: 1, stdout: `${path} /dev/zero differ: byte ${differs + 1}, line 1\n` };
};
