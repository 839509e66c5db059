import { randomFillSync } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { BadUsage, fail, getopt, type Handler, ok } from './call.ts';
import { bytesOn } from './red-hat/image-bytes.ts';
import type { Tree } from './tree.ts';

/** coreutils that write the bytes of big files: cp, dd, truncate. Holes stay holes. */

const noSuch = 'No such file or directory';

/** cp(1) of one file. An image's file system comes along; killed midway, half of the bytes are there and no file system. */
const cp: Handler = ({ world, machine, args, midway }) => {
  const { tree } = machine;
  const options = getopt(args, ['--remove-destination', '-a', '-p'], ['--reflink', '--sparse']);
  const [from, target, ...more] = options.rest;
  if (from === undefined || target === undefined || more.length > 0)
    throw new BadUsage('missing file operand, or more than two (not simulated)');
  const source = tree.stat(from);
  if (!source) return fail(1, `cp: cannot stat '${from}': ${noSuch}`);
  if (!source.isFile()) return fail(1, `cp: -r not specified; omitting directory '${from}'`);
  const to = tree.isDirectory(target) ? `${target}/${from.split('/').at(-1)}` : target;
  if (!tree.isDirectory(dirname(to))) return fail(1, `cp: cannot create regular file '${to}': ${noSuch}`);
  const isDisk = machine.name === 'dom0';
  if (isDisk) world.images.clear(to);
  // It fails on ext4 and leaves an empty file behind (measured).
  if (options.value('--reflink') === 'always') {
    writeFileSync(tree.real(to), '');
    return fail(1, `cp: failed to clone '${to}' from '${from}': Operation not supported`);
  }
  if (options.has('--remove-destination')) {
    tree.remove(to);
    if (isDisk) delete world.state.xattrs[to];
  }
  const inside = isDisk ? world.images.treeOf(from) : undefined;
  // The bytes of an image with a file system are at its beginning: the rest of it is a hole.
  const bytes = inside === undefined ? source.size : Math.min(source.size, source.blocks * 512);
  const mode = source.mode & (options.has('-a', '-p') ? 0o7777 : 0o777 & ~0o022);
  copyBytes(tree.real(from), tree.real(to), { bytes, mode, midway });
  truncateSync(tree.real(to), source.size);
  if (inside !== undefined) world.images.fill(to, inside);
  tree.touch(to);
  return ok();
};

function copyBytes(from: string, to: string, { bytes, mode, midway }: { bytes: number; mode: number; midway(): void }) {
  const input = openSync(from, 'r');
  const output = openSync(to, 'w', mode);
  const block = Math.min(1 << 20, Math.ceil(bytes / 2));
  const buffer = Buffer.alloc(block);
  let half = () => midway();
  for (let at = 0; at < bytes; at += block) {
    if (at >= bytes / 2) {
      half();
      half = () => {};
    }
    const length = readSync(input, buffer, 0, Math.min(block, bytes - at), at);
    const chunk = buffer.subarray(0, length);
    if (!chunk.every((byte) => byte === 0)) writeSync(output, chunk, 0, length, at);
    else ftruncateSync(output, Math.max(fstatSync(output).size, at + length));
  }
  closeSync(input);
  closeSync(output);
}

const numberOf = (text: string | undefined, fallback: number) => (text === undefined ? fallback : sizeOf(text));

/**
 * dd(1) from /dev/urandom or /dev/zero; from /dev/null with `seek=`, it only says how long the file is; from a file of dom0, or
 * a guest's disk, to stdout (`if= bs= skip= count=`).
 */
const dd: Handler = ({ world, machine, args, midway }) => {
  const { tree } = machine;
  const words = new Map(args.map((arg) => arg.split('=') as [string, string]));
  for (const name of words.keys())
    if (!['if', 'of', 'bs', 'count', 'conv', 'seek', 'skip'].includes(name))
      throw new BadUsage(`unrecognized operand ‘${name}’`);
  const [from = '', to = ''] = [words.get('if'), words.get('of')];
  const bytes = numberOf(words.get('bs'), 512) * numberOf(words.get('count'), 1);
  if (from === '/dev/null' && words.has('seek') && tree.isDirectory(dirname(to))) {
    if (machine.name === 'dom0' && !tree.has(to)) world.images.clear(to);
    makeSparse(tree, to, numberOf(words.get('bs'), 512) * numberOf(words.get('seek'), 0));
    return ok('', '0+0 records in\n0+0 records out\n0 bytes copied, 3.4e-05 s, 0.0 kB/s\n');
  }
  if (to === '' && words.has('count')) {
    const [block, count] = [numberOf(words.get('bs'), 512), numberOf(words.get('count'), 0)];
    const found = bytesOn(world, machine, from, block * numberOf(words.get('skip'), 0), block * count);
    if (!found) return fail(1, `dd: opening \`${from}': ${noSuch}`);
    return ok(found.toString(), `${count}+0 records in\n${count}+0 records out\n`);
  }
  if (words.has('seek') || words.has('skip')) throw new BadUsage('seek= is simulated from /dev/null only');
  if (!['/dev/urandom', '/dev/zero'].includes(from)) return fail(1, `dd: failed to open '${from}': ${noSuch}`);
  if (!tree.isDirectory(dirname(to))) return fail(1, `dd: failed to open '${to}': ${noSuch}`);
  const data = Buffer.alloc(bytes);
  if (from === '/dev/urandom') randomFillSync(data);
  const old = words.get('conv')?.includes('notrunc') ? tree.read(to) : undefined;
  const whole = Buffer.concat([data, old?.subarray(bytes) ?? Buffer.alloc(0)]);
  writeFileSync(tree.real(to), whole.subarray(0, bytes / 2));
  midway();
  writeFileSync(tree.real(to), whole);
  tree.touch(to);
  const records = `${words.get('count') ?? 1}+0 records`;
  return ok('', `${records} in\n${records} out\n${bytes} bytes copied, 0.000211 s, 19.4 MB/s\n`);
};

const truncate: Handler = ({ world, machine, args }) => {
  const { tree } = machine;
  const options = getopt(args, [], ['-s']);
  const size = sizeOf(options.value('-s') ?? '');
  for (const path of options.rest) {
    if (!tree.isDirectory(dirname(path))) return fail(1, `truncate: cannot open '${path}' for writing: ${noSuch}`);
    if (machine.name === 'dom0' && !tree.has(path)) world.images.clear(path);
    makeSparse(tree, path, size);
  }
  return ok();
};

/** Makes a file of this size, without allocating anything. */
export function makeSparse(tree: Tree, path: string, size: number): void {
  const file = openSync(tree.real(path), 'a', 0o644);
  ftruncateSync(file, size);
  closeSync(file);
  tree.touch(path);
}

/** `10M`, `1024k`, `10737418240`: powers of 1024. @throws BadUsage */
export function sizeOf(text: string): number {
  const [, number, unit = ''] = /^(\d+)([KkMGT]?)$/.exec(text) ?? [];
  if (number === undefined) throw new BadUsage(`Invalid number: ‘${text}’`);
  return Number(number) * 1024 ** ' KMGT'.indexOf(unit.toUpperCase() || ' ');
}

export const bulk: Readonly<Record<string, Handler>> = { cp, dd, truncate };
