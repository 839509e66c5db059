import { bulk } from './bulk.ts';
import { BadUsage, type Call, fail, type Handler, ok, type Result } from './call.ts';
import { quorumtool } from './corosync.ts';
import { cfgtool, cmapctl } from './corosync-reload.ts';
import { disks } from './disks.ts';
import { fenceXvm } from './fence-xvm.ts';
import { files } from './files.ts';
import { blkid, mkfsGfs2 } from './gfs2.ts';
import { blockdev, gfs2Edit, gfs2Jadd } from './gfs2-journals.ts';
import { journalctl } from './journal.ts';
import { looks } from './looks.ts';
import { mmdebstrap } from './mmdebstrap.ts';
import { net } from './net.ts';
import { pacemaker } from './pacemaker.ts';
import { isInstalled, packageOf, packages } from './packages.ts';
import { cmp } from './raw-disk.ts';
import { od } from './red-hat/image-looks.ts';
import { initScript, redHatHandler } from './red-hat/programs.ts';
import { isRedHat } from './red-hat/release.ts';
import { sbd } from './sbd.ts';
import { sshKeygen } from './ssh-keys.ts';
import { systemctl } from './systemctl.ts';
import { bridge, sh } from './struck.ts';
import { refusedAsReadOnly } from './trouble.ts';
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

/** flock(1) `-s FILE COMMAND`: in a simulation nothing outlives its command, so there is nobody to wait for. */
const flock: Handler = (call) =>
  runProgram(call, call.args.slice(call.args.findIndex((arg) => !arg.startsWith('-')) + 1));

const which: Handler = ({ machine, args }) => {
  const found = args.filter((name) => handlerOf(machine.tree, name));
  const missing = isRedHat(machine.tree) ? args.filter((name) => !found.includes(name)) : [];
  const stderr = missing.map(
    (name) => `/usr/bin/which: no ${name} in (/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin)\n`,
  );
  return {
    code: found.length === args.length ? 0 : 1,
    stdout: found.map((name) => `/usr/bin/${name}\n`).join(''),
    stderr: stderr.join(''),
  };
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
  blkid,
  blockdev,
  bridge,
  'corosync-cfgtool': cfgtool,
  'corosync-cmapctl': cmapctl,
  cmp,
  'corosync-quorumtool': quorumtool,
  env,
  fence_xvm: fenceXvm,
  flock,
  gfs2_edit: gfs2Edit,
  gfs2_jadd: gfs2Jadd,
  journalctl,
  'mkfs.gfs2': mkfsGfs2,
  mmdebstrap,
  od,
  sh,
  sbd,
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
  if (isRedHat(tree)) return initScript(program) ?? redHatHandler(tree, name, programs);
  const owner = Object.hasOwn(packageOf, name) ? packageOf[name] : undefined;
  if (owner !== undefined && !isInstalled(tree, owner)) return undefined;
  return Object.hasOwn(programs, name) ? programs[name] : undefined;
}

/** Runs a command line on a machine: 127 for a program that is not there, as sh does; an error for what is not simulated. */
export function runProgram(call: Omit<Call, 'program' | 'args'>, [program = '', ...args]: readonly string[]): Result {
  const handler = handlerOf(call.machine.tree, program);
  if (program === '') return ok();
  const old = isRedHat(call.machine.tree);
  if (!handler)
    return { code: 127, stderr: old ? `sh: ${program}: command not found\n` : `sh: 1: ${program}: not found\n` };
  const refused = call.machine.name === 'dom0' && refusedAsReadOnly(call.world, [program, ...args]);
  if (refused) return refused;
  try {
    return handler({ ...call, program, args });
  } catch (error) {
    if (!(error instanceof BadUsage)) throw error;
    const quote = old ? '`' : "'";
    return fail(1, `${program}: ${error.message}\nTry ${quote}${program} --help' for more information.`);
  }
}
