import { sha256 } from './bytes.ts';
import { cardsOf } from './guests.ts';
import { logEntry } from './journal.ts';
import { fence, libvirtDomains } from './libvirt.ts';
import { addressesOf } from './net.ts';
import { answerXvmd } from './red-hat/xvmd-requests.ts';
import { tell } from './red-hat/xvmd.ts';
import type { FenceListener, Service } from './state.ts';
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
  /** When it is sent, by this computer's clock in milliseconds, if not now. */
  readonly at?: number;
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
  const heard = heardBy(world, machine, asked);
  if (!heard?.service.listener) return undefined;
  const { unit, service } = heard;
  const listener = service.listener as FenceListener;
  // Of a look nothing is written down: only those that are made at the same moment would see it.
  const log = (text: string) => {
    if (!world.changing) return;
    if (service.xvmd) tell(world.dom0, service, `${text}\n`);
    else if (listener.verbose) logEntry(world, 'dom0', unit, `stdbuf[${service.pid}]`, text);
  };
  if (listener.key !== key) {
    for (const line of key === undefined
      ? ['Hash type not strong enough (0 < 2)']
      : mismatch(key, listener.key, world.state.lastEntry))
      log(line);
    return undefined;
  }
  if (service.xvmd) return answerXvmd(world, service, asked);
  const line = `Request ${operations[operation]} seqno ${world.state.lastEntry * 37 + 4117}`;
  const from = machine.name === 'dom0' ? '127.0.0.1' : (addressesOf(machine)[0] ?? '');
  log(`${line} domain ${domain}`);
  log('Plain TCP request');
  log(`${line} src ${from} target ${domain}`);
  const may = (...as: readonly string[]) => mayFence(listener, from, as);
  return perform(world, { operation, target: domain, may }, log);
}

/** Whether a request reaches a daemon that has another key. */
export function keysDiffer(world: World, machine: Machine, asked: Request): boolean {
  const listener = heardBy(world, machine, asked)?.service.listener;
  return listener !== undefined && listener.key !== asked.key;
}

/** The daemon that a request reaches: it runs, and listens where the machine's packets come by. */
function heardBy(
  world: World,
  machine: Machine,
  { address, port }: Request,
): { unit: string; service: Service } | undefined {
  const found = Object.entries(world.dom0.state.services).find(
    ([, { active, xvmd, listener: at }]) =>
      active === 'active' && (!xvmd || xvmd.ready) && at?.address === address && at.port === port,
  );
  const [unit, service] = found ?? [];
  const listener = service?.listener;
  if (!unit || !service || !listener) return undefined;
  // Dom0 hears itself on any interface; a guest only on the bridge that it is on, and only if it has an address.
  if (machine.name === 'dom0') return { unit, service };
  const card = cardsOf(machine).find((at) => at.address !== undefined);
  return card && hears(world, listener.interface, card.bridge) ? { unit, service } : undefined;
}

/** fence_xvmd without -I listens on the default route's card: eth0, which xend's network-bridge has put on the bridge. */
function hears({ dom0: { tree } }: World, device: string, bridge: string): boolean {
  if (device !== '' && device !== 'eth0') return device === bridge;
  return tree.has(`/sys/class/net/${bridge}/brif/vif0.0`);
}

/** What it prints are hashes of the packet with either key. */
const mismatch = (theirs: string, own: string, packet: number) => [
  'Hash mismatch:',
  ...[`PKT = ${sha256(Buffer.from(theirs + packet))}`, `EXP = ${sha256(Buffer.from(own + packet))}`].map(
    (line) => line + '0'.repeat(64),
  ),
  'Key mismatch; dropping packet',
];

/** Whether groups{} let an address fence a domain; what is written there must be what the client says. */
const mayFence = ({ groups }: FenceListener, from: string, domain: readonly string[]): boolean =>
  !groups || groups.some(({ ips, domains }) => ips.includes(from) && domain.some((as) => domains.includes(as)));

interface Wanted {
  readonly operation: string;
  readonly target: string;
  /** Whether the asker may fence a domain, by any of its names. */
  may(...as: readonly string[]): boolean;
}

/** What fence_virtd does with libvirt's domains. It does not know those that `xl create` made. */
function perform(world: World, { operation, target, may }: Wanted, log: (text: string) => void): Answer {
  const domains = libvirtDomains(world);
  const found = domains.find(({ name, uuid }) => name === target || uuid === target);
  const failed = { lines: ['Operation failed'], code: 1 };
  if (operation === 'list') {
    log('Sending terminator packet');
    return {
      // Whoever may not fence a domain does not see it (measured: it is seen by name or uuid).
      lines: domains
        .filter(({ name, uuid }) => may(name, uuid))
        .map(({ name, uuid, running }) => `${name.padEnd(32)} ${uuid} ${running ? 'on' : 'off'}`),
      code: 0,
    };
  }
  if (operation === 'monitor') return { lines: [], code: 0 };
  if (operation === 'null') {
    log('NULL operation: returning failure');
    return failed;
  }
  if (!may(target)) return { lines: ['Permission denied'], code: 3 };
  // An unknown name looks like a domain that is off.
  if (operation === 'status')
    return found?.running ? { lines: ['Status: ON'], code: 0 } : { lines: ['Status: OFF'], code: 2 };
  if (!found || found.name === 'Domain-0') return failed;
  return fence(world, found.name, operation) ? { lines: [], code: 0 } : failed;
}
