import { sha256 } from './bytes.ts';
import { cardsOf } from './guests.ts';
import { logEntry } from './journal.ts';
import { fence, libvirtDomains } from './libvirt.ts';
import { addressesOf } from './net.ts';
import type { FenceListener } from './state.ts';
import type { Machine, World } from './world.ts';

/** Operations and their numbers on the wire (fence-agents 4.12, agents/virt/include/xvm.h). */
export const operations: Readonly<Record<string, number>> = {
  null: 0,
  off: 1,
  reboot: 2,
  status: 3,
  on: 4,
  monitor: 5,
  list: 6,
};

interface Request {
  readonly address: string;
  readonly port: number;
  /** Digest of the key that it is signed with; undefined: not at all. */
  readonly key: string | undefined;
  readonly operation: string;
  readonly domain: string;
}

interface Answer {
  readonly lines: readonly string[];
  readonly code: number;
}

/**
 * A request on its way to fence_virtd, and what the client prints of the answer; undefined where none comes. The daemon's log
 * tells why, as measured with -d2 on the real dom0.
 */
export function request(world: World, machine: Machine, asked: Request): Answer | undefined {
  const { key, operation, domain } = asked;
  const listener = heardBy(world, machine, asked);
  if (!listener) return undefined;
  const log = (text: string) => {
    if (listener.verbose) logEntry(world, 'dom0', 'fence_virtd', `stdbuf[${pidOf(world)}]`, text);
  };
  if (listener.key !== key) {
    for (const line of key === undefined
      ? ['Hash type not strong enough (0 < 2)']
      : mismatch(key, listener.key, world.state.lastEntry))
      log(line);
    return undefined;
  }
  const line = `Request ${operations[operation]} seqno ${world.state.lastEntry * 37 + 4117}`;
  const from = machine.name === 'dom0' ? '127.0.0.1' : (addressesOf(machine)[0] ?? '');
  log(`${line} domain ${domain}`);
  log('Plain TCP request');
  log(`${line} src ${from} target ${domain}`);
  return perform(world, operation, domain, log);
}

const pidOf = (world: World) => world.dom0.state.services.fence_virtd?.pid ?? 0;

/** The daemon that a request reaches: it runs, and listens where the machine's packets come by. */
function heardBy(world: World, machine: Machine, { address, port }: Request): FenceListener | undefined {
  const service = world.dom0.state.services.fence_virtd;
  const listener = service?.active === 'active' ? service.listener : undefined;
  if (!listener || listener.address !== address || listener.port !== port) return undefined;
  // Dom0 hears itself on any interface; a guest only on the bridge that it is on, and only if it has an address.
  if (machine.name === 'dom0') return listener;
  const card = cardsOf(machine).find((at) => at.address !== undefined);
  return card?.bridge === listener.interface ? listener : undefined;
}

/** What it prints are hashes of the packet with either key. */
const mismatch = (theirs: string, own: string, packet: number) => [
  'Hash mismatch:',
  ...[`PKT = ${sha256(Buffer.from(theirs + packet))}`, `EXP = ${sha256(Buffer.from(own + packet))}`].map(
    (line) => line + '0'.repeat(64),
  ),
  'Key mismatch; dropping packet',
];

/** What fence_virtd does with libvirt's domains. It does not know those that `xl create` made. */
function perform(world: World, operation: string, target: string, log: (text: string) => void): Answer {
  const domains = libvirtDomains(world);
  const found = domains.find(({ name, uuid }) => name === target || uuid === target);
  const failed = { lines: ['Operation failed'], code: 1 };
  if (operation === 'list') {
    log('Sending terminator packet');
    return {
      lines: domains.map(({ name, uuid, running }) => `${name.padEnd(32)} ${uuid} ${running ? 'on' : 'off'}`),
      code: 0,
    };
  }
  if (operation === 'monitor') return { lines: [], code: 0 };
  if (operation === 'null') {
    log('NULL operation: returning failure');
    return failed;
  }
  // An unknown name looks like a domain that is off.
  if (operation === 'status')
    return found?.running ? { lines: ['Status: ON'], code: 0 } : { lines: ['Status: OFF'], code: 2 };
  if (!found || found.name === 'Domain-0') return failed;
  return fence(world, found.name, operation) ? { lines: [], code: 0 } : failed;
}
