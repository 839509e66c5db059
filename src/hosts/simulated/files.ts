import { chmodSync, existsSync, linkSync, lstatSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BadUsage, fail, getopt, type Handler, ok } from './call.ts';
import { chmod, octal } from './modes.ts';

/** coreutils that change files: mkdir, rm, mv, chmod, install, touch. Messages and exit codes are those of coreutils 9.1. */

const noSuch = 'No such file or directory';

const mkdir: Handler = ({ machine: { tree }, args }) => {
  const options = getopt(args, ['-p'], ['-m']);
  const mode = options.value('-m');
  for (const path of options.rest) {
    if (tree.has(path) && !(options.has('-p') && tree.isDirectory(path)))
      return fail(1, `mkdir: cannot create directory ‘${path}’: File exists`);
    if (!options.has('-p') && !tree.isDirectory(dirname(path)))
      return fail(1, `mkdir: cannot create directory ‘${path}’: ${noSuch}`);
    tree.makeDirectory(path, mode === undefined ? 0o755 : octal(mode));
  }
  return ok();
};

const rm: Handler = ({ world, machine, args, midway }) => {
  const options = getopt(args, ['-r', '-f', '-R', '--one-file-system']);
  const recursive = options.has('-r', '-R');
  for (const path of options.rest) {
    const real = machine.tree.real(path, true);
    const stat = lstatSync(real, { throwIfNoEntry: false });
    if (!stat && options.has('-f')) continue;
    if (!stat) return fail(1, `rm: cannot remove '${path}': ${noSuch}`);
    if (stat.isDirectory() && !recursive) return fail(1, `rm: cannot remove '${path}': Is a directory`);
    if (machine.name === 'dom0' && world.state.loops.some(({ at }) => at === path))
      return fail(1, `rm: cannot remove '${path}': Device or resource busy`);
    // Half of a directory is gone at first.
    if (stat.isDirectory()) for (const name of half(readdirSync(real))) machine.tree.remove(join(path, name));
    midway();
    machine.tree.remove(path);
    if (machine.name === 'dom0') world.images.clear(path);
  }
  return ok();
};

function half<T>(items: readonly T[]): readonly T[] {
  return items.slice(0, Math.ceil(items.length / 2));
}

/** rename(2). -n does not overwrite, and ends with 0 all the same; so does -i, which asks, and nobody answers. */
const mv: Handler = (call) => {
  const { world, machine, args } = call;
  const options = getopt(args, ['-f', '-i', '-n', '-T']);
  const [from, target] = options.rest;
  if (from === undefined || target === undefined || options.rest.length > 2)
    throw new BadUsage('missing file operand, or more than two (not simulated)');
  const { tree } = machine;
  if (!existsSync(tree.real(from, true))) return fail(1, `mv: cannot stat '${from}': ${noSuch}`);
  const to = tree.isDirectory(target) && !options.has('-T') ? join(target, from.split('/').at(-1) ?? '') : target;
  if (tree.isDirectory(to) && !tree.isDirectory(from))
    return fail(1, `mv: cannot overwrite directory '${to}' with non-directory`);
  if (!tree.isDirectory(dirname(to))) return fail(1, `mv: cannot move '${from}' to '${to}': ${noSuch}`);
  if (options.has('-n') && tree.has(to)) return ok();
  if (options.has('-i') && tree.has(to)) return ok('', `mv: overwrite '${to}'? `);
  if (machine.name !== 'dom0') {
    renameSync(tree.real(from, true), tree.real(to, true));
    return ok();
  }
  const intent = { from, to, withFiles: world.images.treeOf(from) !== undefined };
  world.state.intent = intent;
  world.save();
  renameSync(tree.real(from, true), tree.real(to, true));
  call.midway();
  world.images.renamed(intent);
  world.images.mend();
  return ok();
};

const install: Handler = (call) => {
  const { world, machine, args, midway } = call;
  const { tree } = machine;
  const options = getopt(args, ['-D', '-d'], ['-m', '-o', '-g']);
  for (const owner of options.values('-o', '-g'))
    if (owner !== 'root') return fail(1, `install: invalid user ‘${owner}’`);
  const mode = octal(options.value('-m') ?? '0755');
  if (options.has('-d')) {
    for (const path of options.rest) {
      tree.makeDirectory(path);
      chmodSync(tree.real(path), mode);
    }
    return ok();
  }
  const [from, to] = options.rest;
  if (from === undefined || to === undefined || options.rest.length > 2)
    throw new BadUsage('missing file operand, or more than two (not simulated)');
  const bytes = from === '/dev/null' ? Buffer.alloc(0) : tree.read(from);
  if (!bytes) return fail(1, `install: cannot stat '${from}': ${noSuch}`);
  if (!options.has('-D') && !tree.isDirectory(dirname(to)))
    return fail(1, `install: cannot create regular file '${to}': ${noSuch}`);
  // Not atomic: install(1) unlinks the target and fills a new one. What is half written is private already.
  tree.makeDirectory(dirname(to));
  tree.remove(to);
  if (machine.name === 'dom0') delete world.state.xattrs[to];
  writeFileSync(tree.real(to), bytes.subarray(0, bytes.length / 2), { mode: 0o600 });
  midway();
  writeFileSync(tree.real(to), bytes);
  chmodSync(tree.real(to), mode);
  tree.touch(to);
  return ok();
};

const touch: Handler = ({ machine: { tree }, args }) => {
  for (const path of getopt(args, []).rest) {
    if (!tree.isDirectory(dirname(path))) return fail(1, `touch: cannot touch '${path}': ${noSuch}`);
    if (!tree.has(path)) tree.write(path, '');
    tree.touch(path);
  }
  return ok();
};

/** rmdir(1). */
const rmdir: Handler = ({ machine: { tree }, args }) => {
  for (const path of getopt(args, []).rest) {
    const names = tree.list(path);
    if (!names) return fail(1, `rmdir: failed to remove '${path}': ${tree.has(path) ? 'Not a directory' : noSuch}`);
    if (names.length > 0) return fail(1, `rmdir: failed to remove '${path}': Directory not empty`);
    tree.remove(path);
  }
  return ok();
};

/** ln(1): a hard link, so with the attributes of the file. */
const ln: Handler = ({ world, machine: { name, tree }, args }) => {
  const [from, to] = getopt(args, []).rest;
  if (from === undefined || to === undefined) throw new BadUsage('missing file operand');
  if (!tree.has(from)) return fail(1, `ln: failed to access '${from}': ${noSuch}`);
  if (tree.has(to)) return fail(1, `ln: failed to create hard link '${to}': File exists`);
  linkSync(tree.real(from), tree.real(to));
  const { xattrs } = world.state;
  if (name === 'dom0' && xattrs[from]) xattrs[to] = xattrs[from];
  return ok();
};

export const files: Readonly<Record<string, Handler>> = { chmod, install, ln, mkdir, mv, rm, rmdir, touch };
