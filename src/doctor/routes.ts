import { command } from '../model/change.ts';
import type { Argv, Reader } from '../model/host.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import { toolstackOf } from '../toolstacks/index.ts';
import type { Cause, Cure } from './probe.ts';

/** A route of dom0 that covers a guest's address. */
export interface Route {
  /** As ip(8) prints it. */
  readonly text: string;
  /** `unicast` is not printed. */
  readonly type: string;
  /** `default`, an address, or address/bits. */
  readonly to: string;
  readonly bits: number;
  readonly device: string | undefined;
  readonly metric: string | undefined;
}

const types = new Set(['unicast', 'blackhole', 'unreachable', 'prohibit', 'throw']);

/** `ip route show to match ADDRESS` (ip-route(8)), in the order in which the kernel asks them: the longest prefix, the smallest metric. */
export function readRoutes(text: string): readonly Route[] {
  // What is indented is a further hop of the route above it.
  const lines = text.split('\n').filter((line) => /^\S/.test(line));
  return lines
    .map((line): Route => {
      const words = line.trim().split(/\s+/);
      const type = types.has(words[0] ?? '') ? (words.shift() ?? '') : 'unicast';
      const [to = ''] = words;
      const after = (word: string) => (words.includes(word) ? words[words.indexOf(word) + 1] : undefined);
      const bits = to === 'default' ? 0 : Number(to.split('/')[1] ?? 32);
      return { text: line.trim(), type, to, bits, device: after('dev'), metric: after('metric') };
    })
    .sort((one, other) => other.bits - one.bits || Number(one.metric ?? 0) - Number(other.metric ?? 0));
}

/**
 * Why what dom0 sends to a guest does not take the bridge; undefined: it does. `ip route get` tells that it does not (`RTNETLINK
 * answers:` Network is unreachable, for a blackhole Invalid argument, for unreachable No route to host, for prohibit Permission
 * denied); the routes tell which of them is in the way.
 */
export async function lostOnDom0(
  dom0: Reader,
  lab: Lab,
  guest: Guest,
): Promise<{ saw: string; cause: Cause } | undefined> {
  const { address } = guest;
  const [way, listed] = await Promise.all([
    dom0.read(['ip', 'route', 'get', address]),
    dom0.read(['ip', 'route', 'show', 'to', 'match', address]),
  ]);
  const lost = wayTo(lab, address, `${way.stdout}${way.stderr}`);
  if (lost === undefined) return undefined;
  const routes = listed.code === 0 ? readRoutes(listed.stdout) : [];
  const [first, ...others] = routes;
  const leads = leadsTo(lab);
  if (first && leads(first)) {
    const says = `${lost}, though its routes lead there: a rule of policy routing decides otherwise`;
    return {
      saw: says,
      cause: noRoute(lab, guest, says, { says: 'see which', command: 'ip rule show', where: 'dom0' }),
    };
  }
  const saw = first ? `${lost} (${first.text})` : lost;
  return { saw, cause: noRoute(lab, guest, saw, cureOf(lab, first, others.some(leads))) };
}

/** What `ip route get` says, in words; undefined: it leads to the bridge, or nothing can be told. */
function wayTo(lab: Lab, address: string, said: string): string | undefined {
  const refused = /^RTNETLINK answers: (.*)$/m.exec(said)?.[1];
  if (refused === 'Network is unreachable') return `dom0 has no route to ${address}`;
  if (refused !== undefined) return `a route of dom0 keeps it from ${address}: ${refused}`;
  const device = new RegExp(`^${address.replaceAll('.', '\\.')} .*?dev (\\S+)`, 'm').exec(said)?.[1];
  if (device === undefined || !toolstackOf(lab).addressOnBridge || device === lab.network.bridge) return undefined;
  return `dom0 sends what is for ${address} to ${device}, not to ${lab.network.bridge}`;
}

/** With xend's network-bridge the address is on the card that it attached: then any device may be the right one. */
const leadsTo = (lab: Lab) => (route: Route) =>
  route.type === 'unicast' && (route.device === lab.network.bridge || !toolstackOf(lab).addressOnBridge);

/** A route in the way goes, where a good one lies below it; otherwise a good one takes its place. A wider one than the lab's is not touched. */
function cureOf(lab: Lab, first: Route | undefined, below: boolean): Cure {
  const { subnet, bridge, dom0Address } = lab.network;
  const wide = Number(subnet.split('/')[1]);
  const metric = first?.metric === undefined ? [] : ['metric', first.metric];
  if (first && below && first.bits >= wide) {
    const device = first.device === undefined ? [] : ['dev', first.device];
    const argv: Argv = ['ip', 'route', 'del', first.type, first.to, ...device, ...metric];
    const cure = { says: 'remove the route that is in the way', command: argv.join(' '), where: 'dom0' };
    // The kernel's own: another card has an address in this network. Whoever takes its route away may cut himself off.
    return first.text.includes(' proto kernel ') ? cure : { ...cure, change: command(argv) };
  }
  const leading = (to: string, ...more: readonly string[]): Argv => [
    'ip',
    'route',
    'replace',
    to,
    'dev',
    bridge,
    'src',
    dom0Address,
    ...more,
  ];
  const argv = first && first.bits > wide ? leading(first.to, ...metric) : leading(subnet);
  return { says: 'set the route over the bridge', command: argv.join(' '), where: 'dom0', change: command(argv) };
}

/** Also what the path shows, when fence_virtd logs `Network is unreachable`. */
export const noRoute = (lab: Lab, { name }: Guest, says: string, cure = cureOf(lab, undefined, false)): Cause => ({
  name: 'no-route',
  number: 3,
  says: `${says}: fence_virtd cannot call ${name} back`,
  cure,
});
