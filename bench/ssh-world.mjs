// Real sshd's for a simulated world. Each host of a lab gets a root of its own: this machine's, with the host's files laid over
// it, and programs that print what the simulated ones did. The addresses are those of lab.yaml, in a network of our own.
// Runs in namespaces of its own (noop.mjs starts it so): when they end, mounts, addresses and daemons are gone with them.
import { Buffer } from 'node:buffer';
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sh } from './measure.mjs';

/** These look at files that are there, so they are the real ones. */
const real = ['stat', 'test'];

const quote = (word) => `'${word.replaceAll("'", `'\\''`)}'`;

/** A program that prints what each of the command lines that were recorded printed. It costs a shell, and no more. */
function replaying(program, commands) {
  const cases = commands
    .filter(({ argv }) => argv[0] === program)
    .map(
      ({ argv, code, stdout, stderr }) =>
        `${quote(argv.slice(1).join(' '))}) printf %s ${quote(stdout)}; printf %s ${quote(stderr)} >&2; exit ${code};;`,
    );
  return `#!/bin/sh\ncase "$*" in\n${cases.join('\n')}\n*) echo "not recorded: ${program} $*" >&2; exit 97;;\nesac\n`;
}

function makeRoot(scratch, world, name, { commands, files, images }) {
  const [upper, work, root] = ['upper', 'work', 'root'].map((part) => join(scratch, name, part));
  for (const path of [upper, work, root]) mkdirSync(path, { recursive: true });
  sh('mount', '-t', 'overlay', 'overlay', '-o', `lowerdir=/,upperdir=${upper},workdir=${work}`, root);
  // A directory of the world may be a link here: /lib.
  sh('sh', '-c', 'tar -C "$1" -cS . | tar -C "$2" -x --keep-directory-symlink', 'sh', join(world, name), root);
  sh('mount', '--bind', '/dev', join(root, 'dev'));
  mkdirSync(join(root, 'run/sshd'), { recursive: true });
  for (const { path, bytes } of files) {
    if (!path.startsWith('/proc/')) continue; // the others are in the tree
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), Buffer.from(bytes, 'base64'));
  }
  // /proc is what was recorded; the lock alone looks at what its shell has open.
  for (const path of ['proc', 'own-proc']) mkdirSync(join(root, path), { recursive: true });
  sh('mount', '-t', 'proc', 'proc', join(root, 'own-proc'));
  sh('ln', '-sfn', '/own-proc/self', join(root, 'proc/self'));
  // bash(1) reads it also for ssh: what this machine's root has there is no business of a benchmark.
  mkdirSync(join(root, 'root'), { recursive: true });
  writeFileSync(join(root, 'root/.bashrc'), '');
  for (const program of new Set(commands.map(({ argv }) => argv[0]).filter((program) => !real.includes(program)))) {
    writeFileSync(join(root, 'usr/local/sbin', program), replaying(program, commands));
    chmodSync(join(root, 'usr/local/sbin', program), 0o755);
  }
  // What the simulation keeps in a directory is in the image, for debugfs(8).
  for (const image of images)
    sh(
      'mkfs.ext4',
      '-q',
      '-F',
      '-E',
      'lazy_itable_init=1,nodiscard',
      '-d',
      join(world, 'images', image),
      join(root, image),
    );
  return root;
}

/** Who is let into dom0, and whom this machine trusts, for ssh(1) as the user has it; the user's own files are out of sight. */
function ownSsh(scratch, dom0Root, address) {
  const home = join(homedir(), '.ssh');
  mkdirSync(home, { recursive: true });
  sh('mount', '-t', 'tmpfs', '-o', 'mode=700', 'tmpfs', home);
  const [login, host] = [join(scratch, 'login'), join(dom0Root, 'etc/ssh/ssh_host_ed25519_key')];
  mkdirSync(dirname(host), { recursive: true });
  mkdirSync(join(dom0Root, 'root/.ssh'), { recursive: true });
  sh('rm', '-f', host, `${host}.pub`);
  for (const path of [login, host]) sh('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', path);
  copyFileSync(`${login}.pub`, join(dom0Root, 'root/.ssh/authorized_keys'));
  sh(
    'sh',
    '-c',
    'printf "%s %s\\n" "$1" "$(cut -d" " -f1,2 "$2")" >> "$3"',
    'sh',
    address,
    `${host}.pub`,
    join(home, 'known_hosts'),
  );
  writeFileSync(join(home, 'config'), `IdentityFile ${login}\nIdentitiesOnly yes\n`);
}

const daemon = (address) => `Port 22
ListenAddress ${address}
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
MaxStartups 200
PidFile none
`;

/**
 * @param world directory of a simulated world in which the lab is complete
 * @param recorded what record.ts printed
 * @returns host to address
 */
export async function serve(scratch, world, recorded) {
  const addresses = { dom0: recorded.dom0, ...recorded.addresses };
  sh('mount', '-t', 'tmpfs', 'tmpfs', scratch);
  sh('ip', 'link', 'set', 'lo', 'up');
  for (const [name, address] of Object.entries(addresses)) {
    sh('ip', 'address', 'add', `${address}/32`, 'dev', 'lo');
    const root = makeRoot(scratch, world, name, recorded.hosts[name]);
    if (name === 'dom0') ownSsh(scratch, root, address);
    writeFileSync(join(root, 'etc/ssh/sshd_bench'), daemon(address));
    spawn('chroot', [root, '/usr/sbin/sshd', '-D', '-e', '-f', '/etc/ssh/sshd_bench'], {
      stdio: ['ignore', 'ignore', 'ignore'],
    }).unref();
  }
  // The bare script goes straight to the guests, with the key that dom0 has, and trusts whom dom0 trusts.
  const state = join(scratch, 'dom0/root/var/lib/cluster-lab', recorded.lab);
  const home = join(homedir(), '.ssh');
  execFileSync('sh', ['-c', 'cat "$1" >> "$2"', 'sh', join(state, 'known_hosts'), join(home, 'known_hosts')]);
  appendFileSync(join(home, 'config'), `Host * !${recorded.dom0}\n  IdentityFile ${join(state, 'login_ed25519')}\n`);
  for (const address of Object.values(addresses)) await answers(address);
  return addresses;
}

async function answers(address) {
  for (let tries = 0; ; tries++) {
    try {
      return sh('ssh', '-o', 'BatchMode=yes', `root@${address}`, 'true');
    } catch (error) {
      if (tries === 50) throw error;
      await sleep(100);
    }
  }
}
