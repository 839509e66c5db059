import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Argv } from '../model/host.ts';
import type { Channel } from './channel.ts';
import { quote } from './quote.ts';
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

/** A command line for the login shell over there. Its umask is nobody's business: what lab makes is the same everywhere. */
const there = (argv: Argv) => `umask 022; ${quote(argv)}`;

/** How long a connection may take (s): in a guest that is emulated and busy, sshd needed more than 15 s for its first word. */
const patience = { dom0: 15, guest: 60 };

function words({ destination, port, options = [] }: Login, to: keyof typeof patience): string[] {
  const said = [...always, `ConnectTimeout=${patience[to]}`].flatMap((option) => ['-o', option]);
  // ssh(1) takes the first value of an option that is said twice: the caller's.
  return [...options, ...said, ...(port === undefined ? [] : ['-p', String(port)]), destination];
}

/**
 * A channel over one shared connection. Its master is a foreground child of ours that we end ourselves: a daemonised one
 * (ControlPersist) keeps the pipes of whoever started it open. LocalCommand runs once the connection stands, so nothing polls.
 * @throws Unreachable
 * @throws NotTrusted for another host key than the known one
 */
export async function openSsh(login: Login, host: string): Promise<Channel> {
  const directory = await mkdtemp(join(tmpdir(), 'lab-')); // short: a socket's path has at most 107 bytes
  const socket = join(directory, 's');
  const shared = ['-S', socket];
  const master = execa(
    'ssh',
    [
      ...shared,
      '-M',
      '-N',
      '-T',
      '-o',
      'ControlMaster=yes',
      '-o',
      'ControlPersist=no',
      '-o',
      'PermitLocalCommand=yes',
      '-o',
      'LocalCommand=echo ready',
      ...words(login, 'dom0'),
    ],
    {
      stdin: 'ignore',
      reject: false,
      detached: true,
    },
  );
  const ready = new Promise<void>((resolve) => master.stdout.once('data', () => resolve()));
  const ended = master.then(async ({ stderr, exitCode }) => {
    await rm(directory, { recursive: true, force: true });
    throw sshTrouble(host, stderr, exitCode, `try: ${quote(['ssh', ...words(login, 'dom0'), 'true'])}`);
  });
  ended.catch(() => {}); // after the connection stood, its end shows in the commands that use it
  await Promise.race([ready, ended]);
  return {
    wrap: (argv, tty) => [
      'ssh',
      ...shared,
      ...(tty ? ['-tt'] : ['-T']),
      '-o',
      'LogLevel=ERROR',
      ...words(login, 'dom0'),
      '--',
      there(argv),
    ],
    async close() {
      master.kill('SIGTERM');
      await ended.catch(() => {});
    },
  };
}

/** A channel to a guest, through a program started on dom0: dom0 holds the key and the known host keys. */
export function throughDom0(dom0: Channel, login: Login): Channel {
  return {
    wrap: (argv, tty) => {
      const inner: Argv = [
        'ssh',
        '-F',
        '/dev/null',
        tty ? '-tt' : '-T',
        '-o',
        'LogLevel=ERROR',
        ...words(login, 'guest'),
        '--',
        there(argv),
      ];
      return dom0.wrap(inner, tty);
    },
    close: async () => {},
  };
}
