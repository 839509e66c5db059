import { spawn } from 'node:child_process';
import { BadInput, LabError } from '../../model/errors.ts';
import type { Argv, HostName } from '../../model/host.ts';
import type { Guest, Lab } from '../../spec/lab.ts';
import { toolstackOf } from '../../toolstacks/index.ts';
import { type Context, openContext, type WhichLab } from '../context.ts';
import { tell, warn } from '../output.ts';

/**
 * `lab ssh GUEST [-- COMMAND…]`: stdin, stdout and exit code pass through. A simulated guest has no shell, but answers commands.
 * @returns the exit code
 */
export async function sshCommand(name: string, command: readonly string[], options: WhichLab): Promise<number> {
  const context = await openContext(options);
  const guest = guestNamed(context.lab, name);
  const [program, ...args] = command;
  if (program !== undefined && context.where.is === 'simulated')
    return await runThere(context, guest.name, [program, ...args]);
  return shellOn(context, guest.name, command);
}

/**
 * A login shell there, or a command. One word is a whole command line, as for ssh(1): `lab ssh molly -- 'ls | wc'` works as it does
 * there.
 * @returns its exit code
 */
export async function shellOn({ hosts }: Context, host: HostName, command: readonly string[]): Promise<number> {
  const [line] = command;
  const argv: Argv =
    line === undefined
      ? ['sh', '-c', 'exec "$SHELL" -l']
      : ['sh', '-c', command.length === 1 ? line : '"$@"', 'sh', ...command];
  return handOver(await hosts.argv(host, argv, line === undefined && process.stdin.isTTY === true));
}

/** `lab console GUEST`: leave it with Ctrl-]. */
export async function consoleCommand(name: string, options: WhichLab): Promise<number> {
  const context = await openContext(options);
  const guest = guestNamed(context.lab, name);
  if (!process.stdin.isTTY)
    throw new LabError('a console needs a terminal', `its log, on dom0: /var/log/xen/console/guest-${name}.log`);
  warn(`lab: the console of ${name}; leave it with Ctrl-]\n`);
  return await handOver(await context.hosts.argv('dom0', toolstackOf(context.lab).console(guest), true));
}

function guestNamed({ guests, name: lab }: Lab, name: string): Guest {
  const guest = guests.find((one) => one.name === name);
  if (guest) return guest;
  throw new BadInput([
    {
      place: { file: 'GUEST' },
      message: `found "${name}", expected a guest of ${lab}: ${guests.map((one) => one.name).join(', ')}`,
    },
  ]);
}

async function runThere({ hosts }: Context, guest: string, argv: Argv): Promise<number> {
  // One word may be a whole command line, as for ssh(1); there is no shell to take it apart.
  const words = argv.length === 1 ? (argv[0].split(' ') as [string]) : argv;
  const { code, stdout, stderr } = await hosts.host(guest).run(words);
  tell(stdout);
  warn(stderr);
  return code;
}

/** Runs a program with our own stdin, stdout and stderr. Signals at the terminal are its own. */
export async function handOver([program, ...args]: Argv): Promise<number> {
  const ignore = () => {};
  process.on('SIGINT', ignore);
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(program, args, { stdio: 'inherit' });
      child.on('error', reject);
      child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
    });
  } finally {
    process.off('SIGINT', ignore);
  }
}
