import { cpSync } from 'node:fs';
import { type Call, fail, getopt, type Handler, ok } from './call.ts';
import { files } from './files.ts';
import { disable, enable, isKnownPackage, setPackages } from './packages.ts';
import { writeKeyPair } from './ssh-keys.ts';
import { Tree } from './tree.ts';

const kernel = '6.1.0-41-amd64';

/**
 * mmdebstrap(1) into a directory: package list, units with their links, kernel, modules, ssh host keys — what the rest of
 * the world looks at. Then the hooks, with the root as $1. Killed midway, half of it is there.
 */
export const mmdebstrap: Handler = (call) => {
  const { machine, world, args, midway } = call;
  const options = getopt(
    args,
    ['-q'],
    ['--variant', '--logfile', '--dpkgopt', '--aptopt', '--include', '--setup-hook', '--customize-hook', '--mode'],
  );
  const [suite, target, ...more] = options.rest;
  if (suite === undefined || target === undefined || more.length > 0)
    return fail(1, 'E: one suite and one target directory are simulated');
  if (suite !== 'bookworm') return fail(1, `E: unable to pick chroot mode or suite: ${suite} is not simulated`);
  const wanted = options.values('--include').flatMap((text) => text.split(','));
  const unknown = wanted.filter((name) => !isKnownPackage(name));
  const log = (text: string) => {
    const path = options.value('--logfile');
    if (path !== undefined) machine.tree.write(path, text);
  };
  if (unknown.length > 0) {
    const text = unknown.map((name) => `E: Unable to locate package ${name}\n`).join('');
    log(text);
    return fail(1, `${text}E: apt-get failed`);
  }
  machine.tree.makeDirectory(target);
  const root = new Tree(machine.tree.real(target), () => world.state.clock);
  for (const hook of options.values('--setup-hook')) {
    const synced = syncIn(call, hook, target);
    if (synced !== undefined) return fail(1, `E: setup-hook failed: ${synced}`);
  }
  const base = {
    'etc/debian_version': '12.12\n',
    'etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
  };
  for (const [path, text] of Object.entries(base)) root.write(`/${path}`, text);
  root.write('/etc/hostname', machine.tree.read('/etc/hostname') ?? 'localhost\n');
  midway();
  install(root, wanted);
  for (const hook of options.values('--customize-hook')) {
    const result = runHook(call, hook, target);
    if (result.code !== 0) {
      log(result.stderr ?? '');
      return fail(1, `${result.stderr}E: customize-hook failed: sh -c ${hook}`);
    }
  }
  log('I: success in 21.1 seconds\n');
  world.state.clock += 20;
  return ok('', 'I: success in 21.1 seconds\n');
};

function install(root: Tree, names: readonly string[]): void {
  setPackages(root, ['dpkg', 'apt', 'coreutils', 'util-linux', ...names], 'installed');
  for (const directory of ['/root', '/run', '/tmp', '/proc', '/sys'])
    root.makeDirectory(directory, directory === '/root' ? 0o700 : 0o755);
  if (names.includes('linux-image-amd64')) {
    root.write(`/boot/vmlinuz-${kernel}`, 'a kernel\n');
    // What the guests' hook does when a kernel is installed.
    if (root.has('/etc/kernel/postinst.d/cluster-lab')) root.write('/boot/vmlinux', 'a kernel\n');
    for (const module of ['gfs2', 'dlm'])
      root.write(`/lib/modules/${kernel}/kernel/fs/${module}/${module}.ko`, 'a module\n');
    root.write(`/lib/modules/${kernel}/kernel/drivers/watchdog/softdog.ko`, 'a module\n');
    if (names.includes('initramfs-tools') || names.includes('tiny-initramfs'))
      root.write(`/boot/initrd.img-${kernel}`, 'an initrd\n');
  }
  if (names.includes('openssh-server')) {
    root.makeDirectory('/etc/ssh');
    for (const type of ['rsa', 'ecdsa', 'ed25519'])
      writeKeyPair(root, `/etc/ssh/ssh_host_${type}_key`, 'root@localhost');
  }
}

/** mmdebstrap's own hook `sync-in DIRECTORY /`. @returns what is wrong */
function syncIn({ machine }: Call, hook: string, target: string): string | undefined {
  const [, from = '', to] = /^sync-in (\S+) (\S+)$/.exec(hook) ?? [];
  if (to !== '/') return `not simulated: ${hook}`;
  if (!machine.tree.isDirectory(from)) return `${from}: No such file or directory`;
  cpSync(machine.tree.real(from), machine.tree.real(target), { recursive: true, verbatimSymlinks: true });
  return undefined;
}

/** A hook is a line for sh. Simple commands with `&&`, a final `|| true`, "$1" and a `*` at the end are understood, no more. */
function runHook(call: Call, hook: string, target: string): { code: number; stderr?: string } {
  const [, chain = '', always] = /^(.*?)( \|\| true)?$/.exec(hook) ?? [];
  for (const text of chain.split(' && ')) {
    const words = text.split(' ').map((word) => word.replaceAll('"$1"', target));
    const result = simple(
      call,
      words.flatMap((word) => expand(call, word)),
      target,
    );
    if (result.code !== 0 && !always) return result;
  }
  return { code: 0 };
}

function simple(
  call: Call,
  [program = '', ...args]: readonly string[],
  target: string,
): { code: number; stderr?: string } {
  const { tree } = call.machine;
  if (args.join(' ').search(/[$"'|;<`]/) >= 0)
    return { code: 2, stderr: `sh: not simulated: ${program} ${args.join(' ')}\n` };
  if (program === ':' && args[0] === '>' && args[1] !== undefined) {
    tree.write(args[1], '');
    return { code: 0 };
  }
  if (program === 'chroot' && args[0] === target && args[1] === 'systemctl')
    return offline(call, args.slice(2), target);
  const handler = ['install', 'ln', 'mkdir', 'rm', 'touch', 'chmod'].includes(program) ? files[program] : undefined;
  if (!handler) return { code: 127, stderr: `sh: 1: ${program}: not found\n` };
  return handler({ ...call, program, args, midway: () => {} });
}

/** systemctl(1) in a root that is not running: it makes and removes links. */
function offline(
  { machine, world }: Call,
  [verb, ...units]: readonly string[],
  target: string,
): { code: number; stderr?: string } {
  const root = new Tree(machine.tree.real(target), () => world.state.clock);
  if (verb !== 'enable' && verb !== 'disable' && verb !== 'mask')
    return { code: 1, stderr: `Running in chroot, ignoring request: ${verb}\n` };
  for (const name of units) {
    const unit = name.replace(/\.service$/, '');
    // systemctl disable of several units, one of them unknown: the others are disabled all the same.
    if (verb === 'disable') disable(root, unit);
    else if (verb === 'mask') root.link(`/etc/systemd/system/${name}`, '/dev/null');
    else if (root.has(`/lib/systemd/system/${unit}.service`)) enable(root, unit);
    else return { code: 1, stderr: `Failed to enable unit, unit ${name} does not exist.\n` };
  }
  return { code: 0 };
}

/** Names that end as in `ssh_host_*`, or the word itself where none does: as sh does it. */
function expand({ machine: { tree } }: Call, word: string): readonly string[] {
  if (!word.endsWith('*')) return [word];
  const at = word.lastIndexOf('/');
  const names = tree.list(word.slice(0, at))?.filter((name) => name.startsWith(word.slice(at + 1, -1))) ?? [];
  return names.length > 0 ? names.map((name) => `${word.slice(0, at)}/${name}`) : [word];
}
