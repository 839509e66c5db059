import { fingerprint } from '../../model/fingerprint.ts';
import { BadUsage, fail, getopt, type Handler, type Options, type Result } from './call.ts';
import { operations, request } from './fence-requests.ts';
import { guestsOf } from './guests.ts';
import { addressesOf } from './net.ts';
import type { Machine, World } from './world.ts';

const defaultKey = '/etc/cluster/fence_xvm.key';

/**
 * fence_xvm(8) 4.12: transcripts and exit codes of facts/fencing.md and of the real run. A time-out is not waited for: the
 * world's clock jumps.
 */
export const fenceXvm: Handler = ({ world, machine, args }) => {
  const options = getopt(
    args,
    ['-d', '-u', '-h', '-V'],
    ['-i', '-a', '-p', '-r', '-C', '-c', '-k', '-H', '-o', '-t', '-w'],
  );
  const operation = options.value('-o') ?? 'reboot';
  const number = operations[operation];
  if (number === undefined) return fail(1, `Unsupported operation: '${operation}'\nusage: fence_xvm [args]`);
  for (const name of ['-C', '-c', '-i'])
    if (![undefined, 'sha256', 'ipv4'].includes(options.value(name)))
      throw new BadUsage(`${name} is simulated with its default only`);
  const domain = options.value('-H') ?? '';
  if (domain === '' && !['list', 'monitor'].includes(operation))
    return fail(1, 'No domain specified!\nusage: fence_xvm [args]');
  const keyPath = options.value('-k') ?? defaultKey;
  const key = machine.tree.read(keyPath)?.subarray(0, 4096);
  if (!key && options.has('-k')) return fail(1, `Invalid key file: '${keyPath}'\nusage: fence_xvm [args]`);
  const debug = options.count('-d');
  const lines: string[] = debug > 0 ? [`Debugging threshold is now ${debug}`] : [];
  if (debug > 2) lines.push(...argumentsOf(options, { domain, number, keyPath, debug }));
  if (key && debug > 2)
    lines.push(
      `Reading in key file ${keyPath} into 0x7ffd41eb0000 (4096 max size)`,
      `Actual key length = ${key.length} bytes`,
    );
  if (!key) lines.push(`Could not read ${keyPath}; trying without authentication`);
  return ask({ world, machine, options, lines, debug, domain, operation, key: key && fingerprint(key) });
};

function argumentsOf(
  options: Options,
  at: { domain: string; number: number; keyPath: string; debug: number },
): string[] {
  const [address, port, timeout] = [
    options.value('-a') ?? '225.0.0.12',
    options.value('-p') ?? 1229,
    options.value('-t') ?? 30,
  ];
  const values = {
    domain: at.domain || '(null)',
    op: at.number,
    mode: 0,
    debug: at.debug,
    timeout,
    delay: options.value('-w') ?? 0,
    retr_time: options.value('-r') ?? 20,
    flags: 0,
    'net.addr': address,
    'net.ipaddr': '(null)',
    'net.cid': 0,
    'net.key_file': at.keyPath,
    'net.port': port,
    'net.hash': 2,
    'net.auth': 2,
    'net.family': 2,
    'net.ifindex': 0,
    'serial.device': '(null)',
    'serial.speed': '115200,8N1',
    'serial.address': '10.0.2.179',
  };
  const told = Object.entries(values).map(([name, value]) => `  args->${name} = ${value}`);
  return ['-- args @ 0x7ffd41eb1050 --', ...told, '-- end args --'];
}

interface Asking {
  readonly world: World;
  readonly machine: Machine;
  readonly options: Options;
  readonly lines: string[];
  readonly debug: number;
  readonly domain: string;
  readonly operation: string;
  readonly key: string | undefined;
}

function ask(asking: Asking): Result {
  const { world, machine, options, lines, debug, domain, operation, key } = asking;
  const group = options.value('-a') ?? '225.0.0.12';
  const addresses = ['127.0.0.1', ...addressesOf(machine)];
  if (debug > 0) {
    lines.push(
      ...addresses.map((address) => `Sending to ${group} via ${address}`),
      'Waiting for connection from XVM host daemon.',
    );
  }
  const answer = request(world, machine, {
    address: group,
    port: Number(options.value('-p') ?? 1229),
    key,
    operation,
    domain,
  });
  if (!answer)
    return print(
      [...lines, 'Timed out waiting for response', 'Operation failed'],
      1,
      Number(options.value('-t') ?? 30),
    );
  if (debug > 0) {
    lines.push('Issuing TCP challenge', 'Responding to TCP challenge', 'TCP Exchange + Authentication done... ');
    if (operation !== 'list') lines.push('Waiting for return value from XVM host');
  }
  return print([...lines, ...answer.lines], answer.code);
}

function print(lines: readonly string[], code: number, seconds = 0): Result {
  return { code, stdout: lines.map((line) => `${line}\n`).join(''), seconds };
}

/** Whether `fence_xvm -o monitor` succeeds on a machine: what pacemaker asks before it calls a fencing device started. */
export function fencingAnswers(world: World, machine: Machine, args: readonly string[]): boolean {
  const call = {
    world,
    machine,
    program: 'fence_xvm',
    args: [...args, '-o', 'monitor'],
    input: Buffer.alloc(0),
    midway: () => {},
  };
  return guestsOf(world).some(({ name }) => name === machine.name) && fenceXvm(call).code === 0;
}
