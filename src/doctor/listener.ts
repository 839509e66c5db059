import { isMulticast, toNumber } from '../spec/addresses.ts';
import type { Lab } from '../spec/lab.ts';
import { textOf } from '../steps/file-content.ts';
import { toolstackOf } from '../toolstacks/index.ts';
import { broken, type Cure, holds, type Probe, probe, unknown } from './probe.ts';

/** The devices that are in a multicast group, by /proc/net/igmp: a line a device, below it a line a group. */
export function devicesIn(group: string, igmp: string): readonly string[] {
  const wanted = groupInHex(group);
  let device = '';
  const found: string[] = [];
  for (const line of igmp.split('\n')) {
    device = /^\d+\s+(\S+?)\s*:/.exec(line)?.[1] ?? device;
    if (/^\s+([0-9A-Fa-f]{8})\s/.exec(line)?.[1]?.toUpperCase() === wanted) found.push(device);
  }
  return found;
}

/** As a little-endian kernel prints it: 225.0.0.12 is `0C0000E1`. */
export function groupInHex(group: string): string {
  const bytes = toNumber(group).toString(16).padStart(8, '0').match(/../g) ?? [];
  return bytes.reverse().join('').toUpperCase();
}

/**
 * The kernel has joined the group on the guests' bridge. A bad interface name silently means the default route's card.
 * @param again what starts the daemon anew
 */
export const groupJoined = (lab: Lab, again: Cure): Probe =>
  probe('listener', async (look) => {
    const { address } = lab.fencing;
    const { bridge } = lab.network;
    if (!isMulticast(address)) return unknown(`${address} is no IPv4 group: /proc/net/igmp does not show it`);
    const igmp = textOf(await look.on('dom0').readFile('/proc/net/igmp'));
    if (igmp === undefined) return unknown('there is no /proc/net/igmp');
    const devices = devicesIn(address, igmp);
    if (devices.includes(bridge)) return holds(`dom0 is in ${address} on ${bridge}`, 'the kernel hands requests on');
    // xend's network-bridge attaches the very card that has dom0's address: fence_xvmd without -I is in the group on that one.
    const attached = toolstackOf(lab).addressOnBridge ? undefined : devices.find((device) => device !== 'lo');
    if (attached !== undefined) return holds(`dom0 is in ${address} on ${attached}`);
    const saw = `/proc/net/igmp has ${groupInHex(address)} ${devices.length > 0 ? `below ${devices.join(', ')}, ` : ''}not below ${bridge}`;
    return broken(saw, {
      name: 'group-not-joined',
      number: 6,
      says: `the fencing host does not listen to ${address} on ${bridge}${devices.length > 0 ? `, but on ${devices.join(', ')}` : ''}`,
      cure: again,
    });
  });
