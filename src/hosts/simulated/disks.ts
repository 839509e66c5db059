import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeSparse, sizeOf } from './bulk.ts';
import { BadUsage, fail, getopt, type Handler, ok } from './call.ts';
import { disksOf } from './domain-xml.ts';
import { rootOffset } from './red-hat/layout.ts';
import { gfs2Mounts } from './red-hat/gfs2.ts';
import { isRedHat, majorOf } from './red-hat/release.ts';
import type { Machine, World } from './world.ts';

/** Images as disks: mke2fs, mount, umount, losetup, findmnt. util-linux 2.38 and e2fsprogs 1.47. */

const noSuch = 'No such file or directory';

/** `mke2fs -d DIRECTORY FILE SIZE` makes an image from a directory. Killed midway it leaves an image without a file system. */
const mke2fs: Handler = ({ world, machine: { tree, name }, args, midway }) => {
  const options = getopt(args, ['-q', '-F'], ['-t', '-E', '-d', '-L', '-U']);
  const [image, size] = options.rest;
  if (image === undefined) throw new BadUsage('no device given');
  const from = options.value('-d');
  if (from !== undefined && !tree.isDirectory(from)) return fail(1, `mke2fs: ${noSuch} while populating file system`);
  if (options.value('-t') !== 'ext4') return fail(1, `mke2fs: only -t ext4 is simulated`);
  if (!tree.isDirectory(dirname(image))) return fail(1, `mke2fs: ${noSuch} while trying to determine filesystem size`);
  if (size === undefined && !tree.has(image))
    return fail(1, `The file ${image} does not exist and no size was specified.`);
  if (name !== 'dom0') return fail(1, 'mke2fs: simulated on dom0 only');
  const bytes = size === undefined ? (tree.stat(image)?.size ?? 0) : sizeOf(size);
  world.images.clear(image);
  tree.remove(image);
  makeSparse(tree, image, bytes);
  midway();
  if (from !== undefined) world.images.fill(image, tree.real(from));
  else mkdirSync(world.images.homeOf(image), { recursive: true });
  // Something is allocated: a file system is not a hole. Not much, for the sake of whoever runs many simulations.
  const file = openSync(tree.real(image), 'r+');
  writeSync(file, Buffer.alloc(256 * 1024, 'ext4 '));
  closeSync(file);
  tree.touch(image);
  return ok();
};

/** The domain that has an image as its disk. */
export function domainWith(world: World, image: string): string | undefined {
  return Object.entries(world.state.running).find(([, { xml }]) => disksOf(xml).includes(image))?.[0];
}

/** Bytes from the beginning of the image, as `-o loop` or `-o loop,offset=N` say. */
function offsetIn(text: string | undefined): number | undefined {
  const [, offset = '0'] = /^loop(?:,offset=(\d+))?$/.exec(text ?? '') ?? [];
  return text?.startsWith('loop') && /^loop(,offset=\d+)?$/.test(text) ? Number(offset) : undefined;
}

/**
 * `mount -o loop[,offset=N] IMAGE DIRECTORY`. Of the file systems in a divided image only the root can be mounted. Stricter than Linux in one thing, which would let two kernels write one file system: the
 * image of a running domain is refused.
 */
const mount: Handler = ({ world, machine: { tree, name }, args }) => {
  const options = getopt(args, [], ['-o', '-t']);
  const [image, at] = options.rest;
  const offset = offsetIn(options.value('-o'));
  if (image === undefined || at === undefined || offset === undefined || name !== 'dom0')
    throw new BadUsage('only `mount -o loop[,offset=N] IMAGE DIRECTORY` is simulated, on dom0');
  const { state } = world;
  if (!tree.isDirectory(at)) return fail(32, `mount: ${at}: mount point does not exist.`);
  if (!tree.has(image)) return fail(32, `mount: ${at}: failed to setup loop device for ${image}.`);
  if (state.loops.some((loop) => loop.image === image && loop.at === at))
    return fail(32, `mount: ${at}: ${image} already mounted on ${at}.`);
  if (state.loops.some((loop) => loop.image === image))
    return fail(32, `mount: ${at}: overlapping loop device exists for ${image}.`);
  const domain = domainWith(world, image);
  if (domain !== undefined) return fail(32, `mount: ${at}: ${image} already mounted or mount point busy.`);
  const number = freeLoop(world);
  const layout = world.images.layoutOf(image);
  if (layout === undefined || rootOffset(layout) !== offset) {
    if (isRedHat(tree))
      return fail(
        32,
        `mount: wrong fs type, bad option, bad superblock on /dev/loop${number},\n       missing codepage or other error\n       In some cases useful info is found in syslog - try\n       dmesg | tail  or so\n`,
      );
    const more = '       dmesg(1) may have more information after failed mount system call.';
    return fail(
      32,
      `mount: ${at}: wrong fs type, bad option, bad superblock on /dev/loop${number}, missing codepage or helper program, or other error.\n${more}`,
    );
  }
  state.loops = [...state.loops, { number, image, at, ...(offset > 0 ? { offset } : {}) }];
  return ok();
};

function freeLoop({ state }: World): number {
  return (
    Array.from({ length: state.loops.length + 1 }, (_, n) => n).find(
      (n) => !state.loops.some(({ number }) => number === n),
    ) ?? 0
  );
}

const umount: Handler = ({ world: { state }, args }) => {
  const [at = ''] = getopt(args, []).rest;
  const mounted = state.loops.findLast((loop) => loop.at === at);
  if (!mounted) return fail(32, `umount: ${at}: not mounted.`);
  state.loops = state.loops.filter((loop) => loop !== mounted);
  return ok();
};

const losetup: Handler = ({ world, machine: { tree }, args }) => {
  const { state } = world;
  const old = isRedHat(tree);
  const options = old
    ? getopt(args, ['-a', '-f'], ['-d', '-o', '-e', '-p'])
    : getopt(args, ['-a', '-f', '-P', '--show'], ['-j', '-d']);
  const print = ({ image, number, offset = 0 }: { image: string; number: number; offset?: number }) =>
    `/dev/loop${number}: [${old ? '0802' : '65040'}]:${tree.stat(image)?.ino ?? 0} (${image})${offset > 0 ? `, offset ${offset}` : ''}\n`;
  const [image] = options.rest;
  const [of, detach] = [options.value('-j'), options.value('-d')];
  if (of !== undefined || options.has('-a'))
    return ok(state.loops.flatMap((loop) => (of === undefined || loop.image === of ? [print(loop)] : [])).join(''));
  if (detach !== undefined) {
    const loop = state.loops.find(({ number, at }) => `/dev/loop${number}` === detach && at === undefined);
    if (!loop) return fail(1, `losetup: ${detach}: detach failed: No such device or address`);
    state.loops = state.loops.filter((other) => other !== loop);
    return ok();
  }
  if (!options.has('-f') || image === undefined) throw new BadUsage('only -a, -j, -f and -d are simulated');
  if (!tree.has(image)) return fail(1, `losetup: ${image}: failed to set up loop device: ${noSuch}`);
  const number = freeLoop(world);
  state.loops = [...state.loops, { number, image }];
  return ok(options.has('--show') ? `/dev/loop${number}\n` : '');
};

const findmnt: Handler = ({ world: { state }, args }) => {
  const [at] = getopt(args, ['-n'], []).rest;
  const found = state.loops.filter((loop) => loop.at !== undefined && (at === undefined || loop.at === at));
  return {
    code: found.length > 0 ? 0 : 1,
    stdout: found.map((loop) => `${loop.at} /dev/loop${loop.number} ext4   rw,relatime\n`).join(''),
  };
};

/** /proc/mounts, the lines of a loop mount as measured on the real dom0. */
export function procMounts(
  { state }: World,
  { name, tree, running }: Pick<Machine, 'name' | 'tree' | 'running'>,
): string {
  const loops = name === 'dom0' ? state.loops : [];
  const old = isRedHat(tree);
  const type = old ? 'ext3 rw,data=ordered' : 'ext4 rw,relatime';
  const lines = loops.flatMap(({ number, at }) => (at === undefined ? [] : [`/dev/loop${number} ${at} ${type} 0 0\n`]));
  const usual = old
    ? [`rootfs / rootfs rw 0 0\n`, `/dev/root / ${type} 0 0\n`, '/proc /proc proc rw 0 0\n']
    : [`/dev/xvda / ${type} 0 0\n`, 'proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\n'];
  const gfs2 = old
    ? gfs2Mounts(running?.mounts, majorOf(tree))
    : (running?.mounts ?? []).map(({ at }) => `/dev/xvdc ${at} gfs2 rw,noatime 0 0\n`);
  return [...usual, ...lines, ...gfs2].join('');
}

export const disks: Readonly<Record<string, Handler>> = { findmnt, losetup, mke2fs, mount, umount };
