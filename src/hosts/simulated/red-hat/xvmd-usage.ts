import { BadUsage, getopt, type Options } from '../call.ts';
import type { Machine } from '../world.ts';
import { rpmVersion } from './rpms.ts';

/** Flags of any version, and those that came in 2007 and 2008 (facts/fencing.md). */
const usual = ['-d', '-f', '-u', '-h', '-?', '-V'];
const valued = ['-i', '-a', '-p', '-C', '-c', '-k'];
const younger = ['-L', '-X'];
const youngerValued = ['-I', '-U'];

const isYoung = (machine: Machine) =>
  Number(/^2\.0\.(\d+)/.exec(rpmVersion(machine.tree, 'cman') ?? '')?.[1] ?? 0) > 73;

const help: readonly (readonly [string, string])[] = [
  ['-d', 'Specify (CCS) / increment (command line) debug level'],
  ['-f', 'Foreground mode (do not fork)'],
  ['-i <family>', 'IP Family ([auto], ipv4, ipv6)'],
  ['-a <address>', 'Multicast address (default=225.0.0.12 / ff05::3:1)'],
  ['-p <port>', 'IP port (default=1229)'],
  ['-I <interface>', 'Network interface name to listen on'],
  ['-C <auth>', 'Authentication (none, sha1, [sha256], sha512)'],
  ['-c <hash>', 'Packet hash strength (none, sha1, [sha256], sha512)'],
  ['-k <file>', 'Shared key file (default=/etc/cluster/fence_xvm.key)'],
  ['-u', 'Fence by UUID'],
  ['-?', 'Help (alternate)'],
  ['-h', 'Help'],
  ['-X', 'Do not connect to CCS for configuration; command line'],
  ['-L', 'Local mode only (no cluster; implies -X)'],
  ['-U <uri>', 'URI for Hypervisor (default: auto detect)'],
  ['-V', 'Display version and exit'],
];

/** What -h prints: recipes learn from it which flags there are. */
export function usage(machine: Machine): string {
  const shown = help.filter(([flag]) => isYoung(machine) || ![...younger, ...youngerValued].includes(flag.slice(0, 2)));
  return `usage: fence_xvmd [args]\n${shown.map(([flag, text]) => `  ${flag.padEnd(21)} ${text}\n`).join('')}`;
}

/** @throws BadUsage for what this version does not know */
export function readFlags(machine: Machine, args: readonly string[]): Options {
  const young = isYoung(machine);
  const options = getopt(args, [...usual, ...(young ? younger : [])], [...valued, ...(young ? youngerValued : [])]);
  if (options.rest.length > 0) throw new BadUsage(`unexpected argument ${options.rest[0]}`);
  return options;
}
