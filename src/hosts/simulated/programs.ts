import { bulk } from './bulk.ts';
import { BadUsage, type Call, fail, type Handler, ok, type Result } from './call.ts';
import { quorumtool } from './corosync.ts';
import { disks } from './disks.ts';
import { fenceXvm } from './fence-xvm.ts';
import { files } from './files.ts';
import { journalctl } from './journal.ts';
import { looks } from './looks.ts';
import { mmdebstrap } from './mmdebstrap.ts';
import { net } from './net.ts';
import { pacemaker } from './pacemaker.ts';
import { isInstalled, packageOf, packages } from './packages.ts';
import { sshKeygen } from './ssh-keys.ts';
import { systemctl } from './systemctl.ts';
import { virsh } from './virsh.ts';
import { xattrs } from './xattrs.ts';
import { xl } from './xl.ts';

/** `env NAME=VALUE… COMMAND` and `timeout SECONDS COMMAND`: the command behind them. */
const env: Handler = (call) => runProgram(call, call.args.slice(call.args.findIndex((arg) => !arg.includes('='))));

const timeout: Handler = (call) => {
  const [limit = '', ...command] = call.args;
  const result = runProgram(call, command);
  return (result.seconds ?? 0) > Number.parseFloat(limit) ? { code: 124, seconds: Number.parseFloat(limit) } : result;
};

const which: Handler = ({ machine, args }) => {
  const found = args.filter((name) => handlerOf(machine.tree, name));
  return { code: found.length === args.length ? 0 : 1, stdout: found.map((name) => `/usr/bin/${name}\n`).join('') };
};

/** Every program that is simulated. */
const programs: Readonly<Record<string, Handler>> = {
  ...bulk,
  ...disks,
  ...files,
  ...looks,
  ...net,
  ...packages,
  ...pacemaker,
  ...xattrs,
  'corosync-quorumtool': quorumtool,
  env,
  fence_xvm: fenceXvm,
  journalctl,
  mmdebstrap,
  'ssh-keygen': sshKeygen,
  systemctl,
  timeout,
  virsh,
  which,
  xl,
};

/** The handler of a program that is installed. */
function handlerOf(tree: Call['machine']['tree'], program: string): Handler | undefined {
  const name = program.replace(/^\/(usr\/)?s?bin\//, '');
  const owner = Object.hasOwn(packageOf, name) ? packageOf[name] : undefined;
  if (owner !== undefined && !isInstalled(tree, owner)) return undefined;
  return Object.hasOwn(programs, name) ? programs[name] : undefined;
}

/** Runs a command line on a machine: 127 for a program that is not there, as sh does; an error for what is not simulated. */
export function runProgram(call: Omit<Call, 'program' | 'args'>, [program = '', ...args]: readonly string[]): Result {
  const handler = handlerOf(call.machine.tree, program);
  if (program === '') return ok();
  if (!handler) return { code: 127, stderr: `sh: 1: ${program}: not found\n` };
  try {
    return handler({ ...call, program, args });
  } catch (error) {
    if (!(error instanceof BadUsage)) throw error;
    return fail(1, `${program}: ${error.message}\nTry '${program} --help' for more information.`);
  }
}
