import { lstatSync, type Stats } from 'node:fs';
import { eachFile, sha256sum } from './bytes.ts';
import { gfs2Room } from './gfs2-journals.ts';
import { BadUsage, fail, getopt, type Handler, ok } from './call.ts';
import { hostnameOf as redHatName, isRedHat, releaseOf } from './red-hat/release.ts';
import type { Tree } from './tree.ts';

/** coreutils that look: stat, df, tail, cat, ls, id, uname, hostname, test, which. */

const noSuch = 'No such file or directory';

/** File systems of a dom0 from mke2fs: one ext4 of 40 GiB. `stat -f %T` calls it ext2/ext3. */
const diskBytes = 40 * 1024 ** 3;

const stat: Handler = ({ machine: { tree }, args }) => {
  const options = getopt(args, ['-L', '-f'], ['-c', '--format']);
  const format = options.value('-c', '--format');
  if (format === undefined) return fail(1, 'stat: only -c FORMAT is simulated');
  let stdout = '';
  for (const path of options.rest) {
    const found = tree.stat(path);
    if (!found && options.has('-f'))
      return fail(1, `stat: cannot read file system information for '${path}': ${noSuch}`, stdout);
    if (!found) return fail(1, `stat: cannot statx '${path}': ${noSuch}`, stdout);
    const fields = options.has('-f') ? { '%T': 'ext2/ext3' } : fieldsOf(found, path);
    stdout += `${format.replaceAll(/%(?:\.3)?[a-zA-Z]/g, (field) => (fields as Record<string, string | number>)[field]?.toString() ?? '?')}\n`;
  }
  return ok(stdout);
};

function fieldsOf(found: Stats, path: string) {
  const kind = found.isDirectory() ? 'directory' : found.size === 0 ? 'regular empty file' : 'regular file';
  return {
    '%n': path,
    '%s': found.size,
    '%b': found.blocks,
    '%B': 512,
    '%a': (found.mode & 0o7777).toString(8),
    '%u': 0,
    '%g': 0,
    '%U': 'root',
    '%G': 'root',
    '%F': kind,
    '%Y': Math.floor(found.mtimeMs / 1000),
    '%.3Y': (found.mtimeMs / 1000).toFixed(3),
    '%i': found.ino,
  };
}

const df: Handler = ({ world, machine: { tree, running }, args }) => {
  const options = getopt(args, ['-P', '-T'], ['-B']);
  const type = options.has('-T') ? 'ext4 ' : '';
  const unit = Number(options.value('-B') ?? 1024);
  const missing = options.rest.filter((path) => !tree.has(path));
  const shared = running?.mounts?.find(({ at }) => at === options.rest[0]);
  const room = shared && gfs2Room(world, shared.image);
  const used = room?.used ?? allocated(tree, '/');
  const size = room?.size ?? diskBytes;
  const row = `/dev/xvda ${type}${[size, used, size - used].map((bytes) => Math.ceil(bytes / unit)).join(' ')} ${Math.ceil((100 * used) / size)}% /\n`;
  const header = `Filesystem ${options.has('-T') ? 'Type ' : ''}${unit === 1024 ? '1024' : unit}-blocks Used Available Capacity Mounted on\n`;
  const there = options.rest.length - missing.length;
  return {
    code: missing.length > 0 ? 1 : 0,
    stdout: there > 0 ? header + row.repeat(there) : '',
    stderr: missing.map((path) => `df: ${path}: ${noSuch}\n`).join(''),
  };
};

/** Bytes really allocated below a directory. */
function allocated(tree: Tree, path: string): number {
  return (tree.list(path) ?? []).reduce((sum, name) => {
    const at = `${path === '/' ? '' : path}/${name}`;
    const real = lstatSync(tree.real(at, true), { throwIfNoEntry: false });
    if (!real) return sum;
    return sum + (real.isDirectory() ? allocated(tree, at) : real.blocks * 512);
  }, 0);
}

const tail: Handler = ({ machine, args }) => {
  const options = getopt(args, [], ['-n', '-c']);
  if (options.has('-c')) return fail(1, 'tail: -c is not simulated');
  const lines = Number(options.value('-n') ?? 10);
  for (const path of options.rest)
    if (!machine.tree.read(path)) return fail(1, `tail: cannot open '${path}' for reading: ${noSuch}`);
  return eachFile(
    { tree: machine.tree, args: options.rest },
    (bytes) =>
      bytes
        .toString()
        .split(/(?<=\n)/)
        .slice(-lines)
        .join(''),
    'tail',
  );
};

const cat: Handler = ({ machine, args, input }) => {
  const { rest } = getopt(args, []);
  return rest.length === 0
    ? ok(input.toString())
    : eachFile({ tree: machine.tree, args: rest }, (bytes) => bytes.toString(), 'cat');
};

const ls: Handler = ({ machine: { tree }, args }) => {
  const options = getopt(args, ['-1', '-A', '-a']);
  const [path = '/root'] = options.rest;
  const names = tree.list(path) ?? (tree.has(path) ? [path] : undefined);
  if (!names) return fail(2, `ls: cannot access '${path}': ${noSuch}`);
  return ok(
    names
      .filter((name) => options.has('-A', '-a') || !name.startsWith('.'))
      .map((name) => `${name}\n`)
      .join(''),
  );
};

const id: Handler = ({ args }) => {
  const options = getopt(args, ['-u', '-n']);
  if (options.has('-u')) return ok(options.has('-n') ? 'root\n' : '0\n');
  return ok('uid=0(root) gid=0(root) groups=0(root)\n');
};

/** The kernel took the name from /etc/hostname when the machine booted. */
const hostnameOf = (tree: Tree) =>
  isRedHat(tree) ? redHatName(tree) : tree.text('/etc/hostname')?.trim() || 'localhost';

const uname: Handler = ({ machine: { tree }, args }) => {
  const options = getopt(args, ['-a', '-n', '-r', '-s', '-m']);
  const parts = [
    ['-s', 'Linux'],
    ['-n', hostnameOf(tree)],
    ['-r', isRedHat(tree) ? releaseOf(tree).kernel : '6.1.0-41-amd64'],
    ['-m', 'x86_64'],
  ] as const;
  const wanted = parts.filter(([flag]) => options.has(flag, '-a') || (args.length === 0 && flag === '-s'));
  return ok(`${wanted.map(([, text]) => text).join(' ')}\n`);
};

const hostname: Handler = ({ machine: { tree }, args }) =>
  getopt(args, []).rest.length > 0
    ? fail(1, 'hostname: you must be root to change the host name')
    : ok(`${hostnameOf(tree)}\n`);

const test: Handler = ({ machine: { tree }, args }) => {
  const [flag = '', path = ''] = args;
  const found = tree.stat(path);
  if (args.length !== 2 || !/^-[efdsr]$/.test(flag)) return fail(2, `test: ${flag}: unary operator expected`);
  const holds =
    flag === '-f'
      ? found?.isFile()
      : flag === '-d'
        ? found?.isDirectory()
        : flag === '-s'
          ? (found?.size ?? 0) > 0
          : !!found;
  return { code: holds ? 0 : 1 };
};

/**
 * grep(1) -rsH PATTERN DIRECTORY: files below it, links not followed; a pattern that is a plain text after `^`. And
 * -aoE PATTERN FILE: what of a file matches.
 */
const grep: Handler = ({ machine: { tree }, args }) => {
  const options = getopt(args, ['-r', '-s', '-H', '-a', '-o', '-E']);
  const [pattern = '', directory = ''] = options.rest;
  if (options.has('-a') && options.has('-o') && options.has('-E')) {
    const text = tree.text(directory);
    if (text === undefined) return fail(2, `grep: ${directory}: ${noSuch}`);
    const found = text.match(new RegExp(pattern.replaceAll('[:space:]', String.raw`\s`), 'gm')) ?? [];
    return found.length > 0 ? ok(found.map((one) => `${one}\n`).join('')) : { code: 1 };
  }
  if (!options.has('-r') || !options.has('-H') || !/^\^[\w ,.:#-]*$/.test(pattern))
    throw new BadUsage('simulated with -rsH ^TEXT DIRECTORY only');
  if (!tree.has(directory)) return fail(2, options.has('-s') ? '' : `grep: ${directory}: ${noSuch}`);
  const found = below(tree, directory).flatMap((path) => {
    const lines = (tree.text(path) ?? '').split('\n').filter((line) => line.startsWith(pattern.slice(1)));
    return lines.map((line) => `${path}:${line}\n`);
  });
  return found.length > 0 ? ok(found.join('')) : { code: 1 };
};

/** The files below a directory. */
function below(tree: Tree, directory: string): readonly string[] {
  return (tree.list(directory) ?? []).flatMap((name) => {
    const path = `${directory}/${name}`;
    if (lstatSync(tree.real(path, true), { throwIfNoEntry: false })?.isSymbolicLink()) return [];
    const stat = tree.stat(path);
    return stat?.isDirectory() ? below(tree, path) : stat?.isFile() ? [path] : [];
  });
}

/** date(1), to the second: the world's clock is that of all its machines. */
const date: Handler = ({ world, args }) =>
  args.join(' ') === '+%s' ? ok(`${world.state.clock}\n`) : fail(1, 'date: only +%s is simulated');

export const looks: Readonly<Record<string, Handler>> = {
  cat,
  date,
  df,
  sync: () => ok(),
  echo: ({ args }) => ok(`${args.join(' ')}\n`),
  false: () => ({ code: 1 }),
  grep,
  hostname,
  id,
  ls,
  sha256sum,
  stat,
  tail,
  test,
  true: () => ok(),
  uname,
};
