import { randomBytes, randomUUID } from 'node:crypto';
import { children, parse, XmlElement, XmlText } from './xml.ts';

/** What a guest runs on. */
export interface Hardware {
  /** The paths of its disks, the one it boots from first. */
  readonly disks: readonly string[];
  /** The images behind them: xvdc to /guests/shared.dsk. */
  readonly images: Readonly<Record<string, string>>;
  readonly cards: readonly { readonly mac: string; readonly bridge: string }[];
}

/** What the simulation needs to know of a libvirt domain. */
export interface Domain {
  readonly name: string;
  readonly uuid: string;
  readonly memoryKiB: number;
  readonly maxMemoryKiB: number;
  readonly vcpus: number;
  readonly bootloader: string;
  readonly hardware: Hardware;
}

function kibibytes(element: XmlElement | undefined): number {
  const units: Readonly<Record<string, number>> = { KiB: 1, k: 1, MiB: 1024, M: 1024, GiB: 1024 ** 2, G: 1024 ** 2 };
  return Number(element?.text ?? 0) * (units[element?.attributes.unit || 'KiB'] ?? Number.NaN);
}

/** What was read before: each command asks for the same few domains again, and parsing them is most of its work. */
const read = new Map<string, Domain>();

/** @throws Error for what is no domain that libvirt would define */
export function readDomain(xml: string): Domain {
  const known = read.get(xml);
  if (known) return known;
  const domain = parseDomain(xml);
  // Without a uuid it gets another one each time.
  if (xml.includes('<uuid>')) read.set(xml, domain);
  return domain;
}

function parseDomain(xml: string): Domain {
  const root = parse(xml);
  if (root.name !== 'domain') throw new Error('XML error: unexpected root element');
  const text = (name: string) => children(root, name)[0]?.text.trim() ?? '';
  const devices = children(root, 'devices')[0];
  const disks = children(devices, 'disk').map((disk) => {
    const source = children(disk, 'source')[0];
    return [
      children(disk, 'target')[0]?.attributes.dev ?? '',
      source?.attributes.file ?? source?.attributes.dev,
    ] as const;
  });
  const maxMemoryKiB = kibibytes(children(root, 'memory')[0]);
  if (text('name') === '') throw new Error('XML error: missing domain name');
  if (!(maxMemoryKiB > 0)) throw new Error("XML error: missing or invalid '<memory>'");
  return {
    name: text('name'),
    uuid: text('uuid') || randomUUID(),
    maxMemoryKiB,
    memoryKiB: kibibytes(children(root, 'currentMemory')[0]) || maxMemoryKiB,
    vcpus: Number(text('vcpu') || 1),
    bootloader: text('bootloader'),
    hardware: {
      disks: disks.flatMap(([, path]) => path ?? []),
      images: Object.fromEntries(disks.map(([device, path]) => [device, path ?? ''])),
      cards: children(devices, 'interface').map((card) => ({
        mac: children(card, 'mac')[0]?.attributes.address?.toLowerCase() ?? '',
        bridge: children(card, 'source')[0]?.attributes.bridge ?? '',
      })),
    },
  };
}

/** The paths of a domain's disks, the one it boots from first. */
export function disksOf(xml: string): readonly string[] {
  return readDomain(xml).hardware.disks;
}

/**
 * A domain as `virsh dumpxml` prints it after `virsh define`: memory in KiB, what was missing filled in, devices of
 * libvirt's own added. Measured on libvirt 9.0 with a paravirtualized guest.
 * @throws Error as readDomain
 */
export function asLibvirtKeepsIt(xml: string): string {
  const facts = readDomain(xml);
  const root = parse(xml);
  const make = (
    parent: XmlElement,
    name: string,
    attributes: Readonly<Record<string, string>>,
    before?: XmlElement,
  ) => {
    const child = new XmlElement(name, attributes);
    const at = before ? parent.children.indexOf(before) : -1;
    parent.children.splice(at < 0 ? parent.children.length : at, 0, child);
    return child;
  };
  for (const name of ['memory', 'currentMemory']) {
    const element = children(root, name)[0];
    if (!element) continue;
    element.children = [new XmlText(String(name === 'memory' ? facts.maxMemoryKiB : facts.memoryKiB))];
    element.attributes.unit = 'KiB';
  }
  for (const vcpu of children(root, 'vcpu')) vcpu.attributes.placement = 'static';
  if (children(root, 'uuid').length === 0)
    make(root, 'uuid', {}, children(root)[1]).children.push(new XmlText(facts.uuid));
  if (children(root, 'clock').length === 0) make(root, 'clock', { offset: 'utc' }, children(root, 'on_poweroff')[0]);
  const devices = children(root, 'devices')[0] ?? make(root, 'devices', {});
  for (const card of children(devices, 'interface')) {
    const tail = randomBytes(3).toString('hex').match(/../g)?.join(':');
    if (children(card, 'mac').length === 0) make(card, 'mac', { address: `00:16:3e:${tail}` }, children(card)[0]);
  }
  if (children(devices, 'controller').length === 0)
    make(devices, 'controller', { type: 'xenbus', index: '0' }, children(devices, 'interface')[0]);
  if (children(devices, 'input').length === 0)
    for (const type of ['mouse', 'keyboard']) make(devices, 'input', { type, bus: 'xen' });
  if (children(devices, 'memballoon').length === 0) make(devices, 'memballoon', { model: 'xen' });
  return `${print(root, '')}\n`;
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** libvirt's way of printing: two spaces, single quotes; double ones in what is not its own (metadata). */
function print(element: XmlElement, indent: string): string {
  const { name, attributes } = element;
  const quote = name.includes(':') ? '"' : "'";
  const said = Object.entries(attributes).map(([key, value]) => ` ${key}=${quote}${escaped(value)}${quote}`);
  const open = `${indent}<${name}${said.join('')}`;
  const below = children(element).map((child) => `${print(child, `${indent}  `)}\n`);
  if (below.length > 0) return `${open}>\n${below.join('')}${indent}</${name}>`;
  const text = element.text.trim();
  return text === '' ? `${open}/>` : `${open}>${escaped(text)}</${name}>`;
}
