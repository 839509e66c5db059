import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Argv } from '../model/host.ts';
import { type Channel, localChannel } from './channel.ts';
import { quote } from './quote.ts';
import type { GuestRoute } from './relay.ts';
import { WarmShell } from './shell.ts';
import { sshTrouble } from './ssh-trouble.ts';

/** Where OpenSSH should go. The user's configuration, agent and jump hosts apply unless `options` say otherwise. */
export interface Login {
  /** `[user@]host` */
  readonly destination: string;
  readonly port?: number;
  /** More options for ssh(1), e.g. `-i KEY`. */
  readonly options?: readonly string[];
}

/** Never ask, never trust who was not known, never hang on a dead peer. */
const always = [
  'BatchMode=yes',
  // Also if the user's configuration is less strict: a host is known beforehand, or not trusted.
  'StrictHostKeyChecking=yes',
  'ServerAliveInterval=15',
  'ServerAliveCountMax=8',
];

/**
 * A command line for the login shell over there. Its umask is nobody's business: what lab makes is the same everywhere. A shell takes its
 * place, and its process group (relay.ts); other words may be its builtins (`lab ssh GUEST -- type ls`).
 */
const there = (argv: Argv) => `umask 022; ${argv[0] === 'sh' ? 'exec ' : ''}${quote(argv)}`;

/** How long a connection may take (s): in a guest that is emulated and busy, sshd needed more than 15 s for its first word. */
const patience = { dom0: 15, guest: 60 };

/**
 * For a guest that boots: one ssh tries again and again, a second after each refusal, three after each silence (ssh_config(5),
 * ConnectionAttempts). To begin anew each time costs an emulated dom0, and so its guests, a good part of what they could do: so it
 * tries for longer than emulated guests take (35 – 50 s from the end of `virsh start`).
 */
export const patient = { options: ['-o', 'ConnectionAttempts=25'], within: 90_000 };

function words({ destination, port, options = [] }: Login, to: keyof typeof patience): string[] {
  const said = [...always, `ConnectTimeout=${patience[to]}`].flatMap((option) => ['-o', option]);
  // ssh(1) takes the first value of an option that is said twice: the caller's.
  return [...options, ...said, ...(port === undefined ? [] : ['-p', String(port)]), destination];
}

/** How a program is started over there, over the shared connection behind `socket`. */
const over =
  (socket: string, login: Login): Channel['wrap'] =>
  (argv, tty) => [
    'ssh',
    ...['-S', socket, tty ? '-tt' : '-T', '-o', 'LogLevel=ERROR', ...words(login, 'dom0'), '--'],
    there(argv),
  ];

const tryIt = (login: Login) => `try: ${quote(['ssh', ...words(login, 'dom0'), 'true'])}`;

/**
 * A channel over one shared connection. Its master is a foreground child of ours that we end ourselves: a daemonised one
 * (ControlPersist) keeps the pipes of whoever started it open. It lasts as long as its stdin, which is ours: so it ends with us
 * also if we are killed. LocalCommand runs once the connection stands, so nothing polls.
 * @throws Unreachable
 * @throws NotTrusted for another host key than the known one
 */
export async function openSsh(login: Login, host: string): Promise<Channel> {
  const directory = await mkdtemp(join(tmpdir(), 'lab-')); // short: a socket's path has at most 107 bytes
  const socket = join(directory, 's');
  const options = ['ControlMaster=yes', 'ControlPersist=no', 'PermitLocalCommand=yes', 'LocalCommand=echo ready'];
  const said = options.flatMap((option) => ['-o', option]);
  const { execa } = await import('execa');
  const master = execa('ssh', ['-S', socket, '-T', ...said, ...words(login, 'dom0'), '--', 'cat > /dev/null'], {
    stdin: 'pipe',
    reject: false,
    detached: true,
  });
  master.stdin.on('error', () => {}); // a master that is gone is told by its end
  let gone = false;
  const ready = new Promise<void>((resolve) => master.stdout.once('data', () => resolve()));
  const ended = master.then(async ({ stderr, exitCode }) => {
    gone = true;
    await rm(directory, { recursive: true, force: true });
    throw sshTrouble(host, stderr, exitCode, tryIt(login));
  });
  ended.catch(() => {}); // after the connection stood, its end shows in the commands that use it
  await Promise.race([ready, ended]);
  return {
    wrap: over(socket, login),
    gone: () => gone,
    async close() {
      master.kill('SIGTERM');
      await ended.catch(() => {});
    },
  };
}

/** How long a kept connection outlives its last use (s). */
const keptFor = 60;

/** How long somebody may take to let an agent use a key, or to touch one (ms). */
const loginWithin = 180_000;

/**
 * A channel over a connection that outlives the command, so that the next one within a minute need not make it again. It is known
 * by its socket, which only its owner can use (ssh_config(5), ControlPath); `disconnect` ends it.
 * @throws Unreachable
 * @throws NotTrusted for another host key than the known one
 */
export async function openKept(login: Login, host: string, socket: string): Promise<Channel> {
  let first = directoryFor(socket) ? await begun(login, host, socket) : undefined;
  if (!existsSync(socket)) {
    // Where nothing can be written, nothing can be kept.
    first?.close();
    return openSsh(login, host);
  }
  const wrap = over(socket, login);
  return {
    wrap,
    // The first to look has the shell that it began with.
    looks() {
      const shell = first ?? new WarmShell(wrap(['sh']), host);
      first = undefined;
      return shell;
    },
    gone: () => !existsSync(socket),
    close: async () => first?.close(),
  };
}

/** @returns whether it is there */
function directoryFor(socket: string): boolean {
  try {
    mkdirSync(dirname(socket), { recursive: true, mode: 0o700 });
    return true;
  } catch {
    return false;
  }
}

const begun = async (login: Login, host: string, socket: string) =>
  existsSync(socket) ? tried(login, host, socket) : connected(login, host, socket);

/** A shell over a connection that stood: its other end may be gone since, and so it is ended if it does not answer. */
const tried = (login: Login, host: string, socket: string) =>
  new WarmShell(standing(login, socket)(['sh']), host, {
    owed: { within: 1000 * patience.dom0, silent: () => disconnect(socket) },
  });

/** Over a connection that stands: none is made for it. */
const standing = (login: Login, socket: string) => over(socket, { ...login, options: ['-o', 'ProxyCommand=false'] });

/** A shell over a connection of its own, which stays when the shell ends. */
async function connected(login: Login, host: string, socket: string): Promise<WarmShell> {
  const kept = ['-o', 'ControlMaster=auto', '-o', `ControlPersist=${keptFor}`];
  const argv = over(socket, { ...login, options: [...kept, ...(login.options ?? [])] })(['sh']);
  const shell = new WarmShell(argv, host, { owed: { within: loginWithin }, retry: tryIt(login) });
  await shell.stands();
  return shell;
}

/** Ends a kept connection. @returns whether there was one */
export async function disconnect(socket: string): Promise<boolean> {
  if (!existsSync(socket)) return false;
  const { execa } = await import('execa');
  // The name is not used: the master behind the socket is asked.
  const { exitCode } = await execa('ssh', ['-S', socket, '-O', 'exit', 'dom0'], { stdio: 'ignore', reject: false });
  await rm(socket, { force: true });
  return exitCode === 0;
}

/** ssh(1)'s words as dom0 runs it, to a guest: dom0's own configuration is none of lab's. */
const toGuest = (login: Login, ...options: string[]) => [
  ...['-F', '/dev/null', ...options, '-o', 'LogLevel=ERROR', ...words(login, 'guest')],
];

/** How a relay on dom0 reaches a guest. Its socket is named by the address: the path must be short. */
export const routeTo = (name: string, login: Login): GuestRoute => ({
  name,
  socket: login.destination.replace(/^.*@/, ''),
  shell: [...toGuest(login, '-T'), '--', there(['sh'])],
  connection: toGuest(login, '-f', '-N'),
});

/** A channel to a guest, through a program started on dom0: dom0 holds the key and the known host keys. */
export function throughDom0(dom0: Channel, login: Login, name: string): Channel {
  const wrap = (argv: Argv, tty?: boolean, options: readonly string[] = []) =>
    dom0.wrap(['ssh', ...toGuest(login, tty ? '-tt' : '-T', ...options), '--', there(argv)], tty);
  return {
    wrap: (argv, tty) => wrap(argv, tty),
    arriving: () => new WarmShell(wrap(['sh'], false, patient.options), name, { owed: { within: patient.within } }),
    gone: () => dom0.gone(),
    close: async () => {},
  };
}

/**
 * Ends connections whose sockets are in a directory, and says how many there were. What relays write there is theirs, unless they were
 * killed: another command may be at work.
 */
const endAll = `n=0
for s in "$1"/*; do
  case $s in
  */looks.*) kill -0 "\${s##*.}" 2> /dev/null || rm -rf "$s" ;;
  *) if [ -S "$s" ]; then ssh -S "$s" -O exit guest 2> /dev/null; rm -f "$s"; n=$((n + 1)); fi ;;
  esac
done
rmdir "$1" "\${1%/*}" 2> /dev/null
echo $n`;

/**
 * Ends the connections that a dom0 keeps to guests. One that cannot be reached by a connection that stands is not asked.
 * @param directory of dom0's: the relay's
 * @returns whether there was one
 */
export async function endGuests(
  dom0: 'local' | { readonly login: Login; readonly socket: string },
  directory: string,
): Promise<boolean> {
  if (dom0 !== 'local' && !existsSync(dom0.socket)) return false;
  const wrap = dom0 === 'local' ? localChannel.wrap : standing(dom0.login, dom0.socket);
  const { execa } = await import('execa');
  const [program, ...rest] = wrap(['sh', '-c', endAll, 'sh', directory]);
  const { stdout } = await execa(program, rest, { stdin: 'ignore', reject: false, timeout: 1000 * patience.dom0 });
  return Number(stdout) > 0;
}
