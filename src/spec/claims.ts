import { v5 } from 'uuid';
import { freeAddresses, parseSubnet } from './addresses.ts';
import type { Lab } from './lab.ts';

/** What a lab takes of its dom0 for itself: what it is, to its lines in lab.yaml. No two labs of one dom0 may share any of it. */
export type Claims = Readonly<Record<string, Topic>>;

/** Where lab.yaml decides it. */
const topics = ['guests', 'uuid', 'mac', 'address', 'image', 'key', 'port'] as const;
type Topic = (typeof topics)[number];

/** The bridge, the subnet and /etc/xen/Default are shared: what is claimed is what is taken of them. */
export function claimsOf(lab: Lab): Claims {
  const { guests, disks, image, fencing } = lab;
  const own = image.install.by === 'none' ? [] : [image.path];
  const entries: readonly (readonly [string, Topic])[] = [
    ...guests.flatMap(({ name, uuid, mac, address, disk, domainFile }) => [
      [`the domain ${name}`, 'guests'] as const,
      [domainFile, 'guests'] as const,
      [`the uuid ${uuid}`, 'uuid'] as const,
      [`the MAC ${mac.toLowerCase()}`, 'mac'] as const,
      [`the address ${address}`, 'address'] as const,
      [disk, 'image'] as const,
    ]),
    ...[...own, ...disks.map(({ path }) => path)].map((path) => [path, 'image'] as const),
    [fencing.key, 'key'],
    // fence_xvmd asks the dom0's own cluster, which there is once.
    [lab.toolstack === 'xm' ? 'fence_xvmd' : `the port ${fencing.port} of fence_virtd`, 'port'],
  ];
  return Object.fromEntries(entries);
}

/** Claims as another lab wrote them; none where they cannot be read. */
export function readClaims(text: string | undefined): Claims {
  try {
    const found: unknown = JSON.parse(text ?? '{}');
    if (typeof found !== 'object' || found === null) return {};
    return Object.fromEntries(Object.entries(found).filter(([, topic]) => topics.includes(topic as Topic)));
  } catch {
    return {};
  }
}

/** What both want, in the order of `own`. */
export function clashes(own: Claims, other: Claims): readonly (readonly [string, Topic])[] {
  return Object.entries(own).filter(([what]) => Object.hasOwn(other, what));
}

/** Of the suggestions below. */
const NAMESPACE = '0b0f2c0c-6c5e-4f3e-8a61-1a0c1f9f7b52';

/** Lines of lab.yaml with which a lab keeps out of the way of others: worked out from its name, the same each time. */
export function otherwise(lab: Lab, topicsHit: ReadonlySet<Topic>, taken: Claims): readonly string[] {
  const hex = v5(lab.name, NAMESPACE).replaceAll('-', '');
  const byte = (at: number) => hex.slice(2 * at, 2 * at + 2);
  const subnet = parseSubnet(lab.network.subnet);
  const used = Object.keys(taken).flatMap((what) => /^the address (.+)$/.exec(what)?.[1] ?? []);
  const free = subnet ? freeAddresses(subnet, used, lab.guests.length) : [];
  const addresses = lab.guests.map(({ name }, n) => `${name}: {address: ${free[n]}}`).join(', ');
  const port = 1230 + (Number.parseInt(hex.slice(8, 12), 16) % 20_000);
  const lines: Readonly<Record<Topic, string>> = {
    guests: `guests: other names than ${lab.guests.map(({ name }) => name).join(', ')}`,
    uuid: 'guests: no uuid of another lab',
    address: `guests: {${addresses}}`,
    // The last byte counts the guests.
    mac: `network: {mac: "00:16:3e:${byte(0)}:${byte(1)}:00"}`,
    image: `image: {path: /guests/${lab.name}/default.img}`,
    key: `fencing: {key: /etc/cluster/${lab.name}.key}`,
    port:
      lab.toolstack === 'xm'
        ? 'one dom0 has one fence_xvmd: another dom0, or lab destroy for the other lab'
        : `fencing: {port: ${port}}`,
  };
  return topics.filter((topic) => topicsHit.has(topic)).map((topic) => lines[topic]);
}
