import type { Argv } from '../model/host.ts';

/**
 * The commands that only look. A Reader refuses anything else, so that a dry-run cannot write even by mistake:
 * whoever adds a look adds it here, and says by that that it was checked to change nothing.
 */
const looks: Readonly<Record<string, (args: readonly string[]) => boolean>> = {
  arping: always,
  // -c /dev/null: the blkid of the document's day writes down what it finds, otherwise.
  blkid: (args) => args[0] === '-p' || (args[0] === '-c' && args[1] === '/dev/null'),
  bridge: (args) => args.includes('show'),
  cibadmin: (args) =>
    args.some((arg) => arg === '-Q' || arg === '--query') && !args.some((arg) => /^--?(c|C|r|R|u|M|D|d|E|P)/.test(arg)),
  'corosync-cmapctl': (args) => args.length === 1 && !args[0]?.startsWith('-'),
  cmp: always,
  'corosync-quorumtool': (args) => args[0] === '-s',
  crm_mon: (args) => args.includes('-1'),
  // With a format it tells the time; with -s, or digits, it would set it.
  date: (args) => args.length === 1 && /^\+/.test(args[0] ?? ''),
  df: always,
  'dpkg-query': (args) => args[0] === '-W',
  // null asks for nothing to be done: fence_xvm(8).
  fence_xvm: (args) => ['list', 'null'].includes(option(args, '-o') ?? ''),
  findmnt: always,
  getfattr: always,
  grep: always,
  gfs2_edit: (args) => args[0] === '-p' && args[1] === 'jindex' && args.length === 3,
  hostname: (args) => args.length === 0,
  id: always,
  journalctl: (args) => !args.some((arg) => /^--(vacuum|rotate|flush|sync|relinquish|setup|update)/.test(arg)),
  ip: (args) => args.includes('show') || (args[0] === 'route' && args[1] === 'get'),
  'iptables-save': (args) => args.length === 0,
  losetup: (args) => args[0] === '-j' || args[0] === '-a',
  nft: (args) => args.join(' ') === '-j list ruleset',
  ping: always,
  'qemu-img': (args) => args[0] === 'info' || (args[0] === 'snapshot' && args[1] === '-l'),
  // Else only the probe of sandbox/qemu.ts: a machine without disks and network.
  'qemu-system-x86_64': (args) =>
    args.join(' ') === '--version' ||
    (!args.some(
      (arg) => /^-(drive|hd|blockdev|netdev|nic|pidfile|daemonize|monitor$)/.test(arg) && arg !== '-monitor',
    ) &&
      option(args, '-monitor') === 'none'),
  ss: always,
  stat: always,
  'ssh-keyscan': always,
  stonith_admin: (args) =>
    args.some((arg) => arg === '-L' || arg === '--list-registered' || arg === '-H' || arg === '--history'),
  systemctl: (args) => ['is-active', 'is-enabled', 'show', 'is-system-running'].includes(args[0] ?? ''),
  tail: always,
  test: always,
  timeout: (args) => onlyLooks(args.slice(1)),
  uname: always,
  // One argument may hold several commands, told apart by `;`.
  virsh: (args) =>
    (args.find((arg, n) => !arg.startsWith('-') && !['-c', '-k'].includes(args[n - 1] ?? '')) ?? '')
      .split(';')
      .every((line) =>
        ['list', 'domstate', 'dominfo', 'dumpxml', 'domid', 'version', 'nodeinfo', 'domuuid'].includes(
          line.trim().split(' ')[0] ?? '',
        ),
      ),
  clustat: always,
  chkconfig: (args) => args[0] === '--list',
  cman_tool: (args) => args.length === 1 && ['status', 'nodes'].includes(args[0] ?? ''),
  dd: (args) => args.some((arg) => arg.startsWith('if=')) && !args.some((arg) => arg.startsWith('of=')),
  fence_xvmd: (args) => args.length === 1 && args[0] === '-h',
  mkqdisk: (args) => args.join(' ') === '-L',
  od: always,
  pidof: always,
  rpm: (args) => args[0] === '-q',
  sbd: (args) => args.length === 3 && args[0] === '-d' && ['dump', 'list'].includes(args[2] ?? ''),
  service: (args) => args.length === 2 && args[1] === 'status',
  sh: (args) => args[0] === '-c' && args[1] === anyEnd && onlyLooks(args.slice(3)),
  sfdisk: (args) => args[0] === '-d',
  xm: (args) => ['list', 'info', 'domid'].includes(args[0] ?? ''),
  which: always,
  xl: (args) => ['list', 'info', 'domid'].includes(args[0] ?? ''),
};

const anyEnd = '"$@" || :';

/** The same look, for a program whose crash is an answer too: it counts as ended, and what it printed as all it had to say. */
export function howeverItEnds(look: Argv): Argv {
  return ['sh', '-c', anyEnd, 'sh', ...look];
}

function always(): boolean {
  return true;
}

function option(args: readonly string[], flag: string): string | undefined {
  return args[args.indexOf(flag) + 1];
}

function onlyLooks([program, ...args]: readonly string[]): boolean {
  return (program !== undefined && Object.hasOwn(looks, program) && looks[program]?.(args)) || false;
}

/** @throws Error (a bug in a step, not a user's mistake) when a Reader is asked for a command that may change something. */
export function assertOnlyLooks(argv: Argv): void {
  if (!onlyLooks(argv)) throw new Error(`not known to only look, refused by the reader: ${argv.join(' ')}`);
}
