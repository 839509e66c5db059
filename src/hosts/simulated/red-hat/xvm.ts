import { fingerprint } from '../../../model/fingerprint.ts';
import { BadUsage, fail, getopt, type Handler, type Options, type Result } from '../call.ts';
import { keysDiffer, request } from '../fence-requests.ts';
import { cardsOf } from '../guests.ts';
import { addressesOf } from '../net.ts';
import type { Machine } from '../world.ts';
import { argumentsText, keyText } from './xvm-text.ts';

/** It knows no others (facts/fencing.md). */
const operations: Readonly<Record<string, number>> = { null: 0, off: 1, reboot: 2 };

/**
 * fence_xvm(8) of cman 2.x: the document's transcript. A time-out is not waited for: the world's clock jumps. Without -d it
 * prints what the remote side answered, and errors.
 */
export const oldFenceXvm: Handler = ({ world, machine, args, input }) => {
  const options = getopt(
    args.length > 0 ? args : fromInput(input.toString()),
    ['-d', '-f', '-u', '-h', '-?', '-V'],
    ['-i', '-a', '-p', '-r', '-C', '-c', '-k', '-H', '-o', '-t'],
  );
  const operation = options.value('-o') ?? 'reboot';
  const op = operations[operation];
  if (options.has('-h', '-?')) return { code: 0, stdout: 'usage: fence_xvm [args]\n' };
  if (op === undefined) return fail(1, `Unsupported operation: ${operation}\nusage: fence_xvm [args]`);
  for (const name of ['-C', '-c', '-i'])
    if (![undefined, 'sha256', 'ipv4'].includes(options.value(name)))
      throw new BadUsage(`${name} is simulated with its default only`);
  const domain = options.value('-H');
  if (domain === undefined) return fail(1, 'No domain specified!\nusage: fence_xvm [args]');
  const path = options.value('-k') ?? '/etc/cluster/fence_xvm.key';
  const key = machine.tree.read(path)?.subarray(0, 4096);
  const debug = options.count('-d');
  let said = debug > 0 ? `Debugging threshold is now ${debug}\n` : '';
  if (debug > 2) said += argumentsText(options, { op, flags: 0, domain, at: '0x7fff5164af10' });
  if (key && debug > 2) said += keyText(path, key.length, '0x7fff51649ec0');
  if (!key) said += `Could not read ${path}; trying without authentication\n`;
  if (debug > 0) said += sending(machine, options, key !== undefined && debug > 2);
  const asked = {
    address: options.value('-a') ?? '225.0.0.12',
    port: Number(options.value('-p') ?? 1229),
    key: key && fingerprint(key),
    operation,
    domain,
  };
  const challenge = debug > 0 ? 'Issuing TCP challenge\n' : '';
  // The bug of its day: the answer to the challenge was wrong, and that counted as done.
  if (world.state.oldClientLies && key && keysDiffer(world, machine, asked))
    return { code: 0, stdout: `${said}${challenge}Invalid response to challenge\n` };
  const answer = request(world, machine, asked);
  if (!answer) return timedOut(said, Number(options.value('-t') ?? 30));
  if (debug > 0)
    said += `${challenge}Responding to TCP challenge\nTCP Exchange + Authentication done... \nWaiting for return value from XVM host\n`;
  return { code: answer.code, stdout: `${said}Remote: Operation ${answer.code === 0 ? 'was successful' : 'failed'}\n` };
};

const timedOut = (said: string, seconds: number): Result => ({
  code: 1,
  stdout: `${said}Timed out waiting for response\n`,
  seconds,
});

/** Every address but the IPv6 ones; without an IPv4 one nothing leaves the machine but over the loopback. */
function sending(machine: Machine, options: Options, afterKey: boolean): string {
  const group = options.value('-a') ?? '225.0.0.12';
  const tails = cardsOf(machine).map(({ mac }) => linkLocal(mac));
  const ignored = tails.map((address) => `Ignoring ${address}: wrong family\n`).join('');
  const sent = ['127.0.0.1', ...addressesOf(machine)].map((address) => `Sending to ${group} via ${address}\n`);
  return `${ignored === '' && afterKey ? '\n' : ''}${ignored}${sent.join('')}Waiting for connection from XVM host daemon.\n`;
}

/** fe80:: and the MAC (RFC 4862). */
function linkLocal(mac: string): string {
  const [a = '0', b = '0', c = '0', d = '0', e = '0', f = '0'] = mac.split(':');
  const hex = (text: string) => Number.parseInt(text, 16).toString(16);
  const first = (Number.parseInt(a, 16) ^ 2).toString(16).padStart(2, '0');
  return `fe80::${hex(first + b)}:${hex(`${c}ff`)}:${hex(`fe${d}`)}:${hex(e + f)}`;
}

/** fenced gives the arguments on stdin, as `name=value` lines. */
function fromInput(text: string): readonly string[] {
  const names: Readonly<Record<string, string>> = {
    domain: '-H',
    action: '-o',
    option: '-o',
    key_file: '-k',
    port: '-H',
  };
  return text.split('\n').flatMap((line) => {
    const [name = '', value = ''] = line.split('=');
    return names[name] ? [names[name], value] : [];
  });
}
