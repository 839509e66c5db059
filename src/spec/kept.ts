import { nthMac } from '../formats/mac.ts';
import { freeAddresses, parseSubnet, showSubnet, toNumber, type Subnet } from './addresses.ts';
import type { Spec } from './schema.ts';

/** What a guest is known by on the network and in the cluster; its domain file on dom0 says it in the first line. */
export interface Identity {
  readonly nodeId: number;
  readonly address: string;
  readonly mac: string;
}

/** The guests of a lab that are on dom0, by their names. */
export type Kept = ReadonlyMap<string, Identity>;

/** A lab of at most 16 guests, all of them replaced at once, counts this far up from network.mac. */
const furthest = 32;

/**
 * A guest that is on dom0 keeps its node id and its address: they count as if lab.yaml gave them. New guests get what is free,
 * and nothing that a guest has which is about to leave. Without guests on dom0 lab.yaml alone decides (decide.ts).
 */
export function withKept(spec: Spec, kept: Kept): Spec {
  if (kept.size === 0) return spec;
  const { subnet } = spec.network;
  const guests = Object.entries(spec.guests).map(([name, guest]) => {
    const found = kept.get(name);
    const nodeId = guest.nodeId ?? found?.nodeId;
    const address = guest.address ?? (found && isIn(subnet, found.address) ? found.address : undefined);
    return [
      name,
      { ...guest, ...(nodeId !== undefined && { nodeId }), ...(address !== undefined && { address }) },
    ] as const;
  });
  const held = [...kept.values()];
  const ids = new Set([...held, ...guests.map(([, guest]) => guest)].flatMap(({ nodeId }) => nodeId ?? []));
  const taken = [...held, ...guests.map(([, guest]) => guest)].flatMap(({ address }) => address ?? []);
  const free = freeAddresses(subnet, taken, guests.length);
  const decided = guests.map(([name, guest]) => {
    const address = guest.address ?? free.shift();
    const nodeId = guest.nodeId ?? lowest(ids);
    return [name, { ...guest, nodeId, ...(address !== undefined && { address }) }] as const;
  });
  return { ...spec, guests: Object.fromEntries(decided) };
}

/** The MAC of each guest: the one it has on dom0 if it was counted up from `base`, else the next that nobody has. */
export function decideMacs(names: readonly string[], base: string, kept: Kept): readonly string[] {
  const possible = Array.from({ length: furthest }, (_, n) => n + 1);
  const offsetOf = (mac: string) => possible.find((n) => isMac(base, n, mac));
  const taken = new Set([...kept.values()].flatMap(({ mac }) => offsetOf(mac) ?? []));
  const given = new Set<number>();
  return names.map((name) => {
    const own = kept.get(name);
    const before = own && offsetOf(own.mac);
    const offset = before !== undefined && !given.has(before) ? before : lowest(taken);
    given.add(offset);
    return nthMac(base, offset);
  });
}

/** The lowest number from 1 that is not in a set; it is then in it. */
function lowest(taken: Set<number>): number {
  let number = 1;
  while (taken.has(number)) number += 1;
  taken.add(number);
  return number;
}

function isIn(subnet: Subnet, address: string): boolean {
  const same = parseSubnet(`${address}/${subnet.prefix}`);
  const number = same && toNumber(address);
  return (
    same !== undefined &&
    showSubnet(same) === showSubnet(subnet) &&
    number !== subnet.network &&
    number !== subnet.broadcast
  );
}

/** Counting beyond the last three bytes is a rule's to complain of (rules.ts). */
function isMac(base: string, n: number, mac: string): boolean {
  const number = (text: string) => Number.parseInt(text.replaceAll(':', ''), 16);
  return number(mac) - number(base) === n && mac.slice(0, 8).toLowerCase() === base.slice(0, 8).toLowerCase();
}
