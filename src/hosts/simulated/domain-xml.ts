import { randomBytes, randomUUID } from 'node:crypto';
import { DOMParser, type Document, type Element, ParseError } from '@xmldom/xmldom';

/** What the simulation needs to know of a libvirt domain. */
export interface Domain {
  readonly name: string;
  readonly uuid: string;
  readonly memoryKiB: number;
  readonly maxMemoryKiB: number;
  readonly vcpus: number;
  readonly bootloader: string;
  readonly disks: readonly string[];
  readonly cards: readonly { readonly mac: string; readonly bridge: string }[];
}

/** @throws ParseError */
function parse(xml: string): Document {
  return new DOMParser({
    onError: (level, message) => {
      if (level !== 'warning') throw new ParseError(message);
    },
  }).parseFromString(xml, 'text/xml');
}

const elements = (parent: Element) => [...parent.childNodes].filter((node): node is Element => node.nodeType === 1);
const named = (parent: Element | undefined, name: string) =>
  parent ? elements(parent).filter(({ nodeName }) => nodeName === name) : [];

function kibibytes(element: Element | undefined): number {
  const units: Readonly<Record<string, number>> = { KiB: 1, k: 1, MiB: 1024, M: 1024, GiB: 1024 ** 2, G: 1024 ** 2 };
  return Number(element?.textContent ?? 0) * (units[element?.getAttribute('unit') || 'KiB'] ?? Number.NaN);
}

const devicesRead = new Map<string, ReadonlyMap<string, string>>();

/** The images behind a domain's disks: xvdc to /guests/shared.dsk. */
export function disksByDevice(xml: string): ReadonlyMap<string, string> {
  const known = devicesRead.get(xml) ?? parseDisks(xml);
  devicesRead.set(xml, known);
  return known;
}

function parseDisks(xml: string): ReadonlyMap<string, string> {
  const devices = named(parse(xml).documentElement ?? undefined, 'devices')[0];
  return new Map(
    named(devices, 'disk').map((disk) => {
      const source = named(disk, 'source')[0];
      const path = source?.getAttribute('file') ?? source?.getAttribute('dev') ?? '';
      return [named(disk, 'target')[0]?.getAttribute('dev') ?? '', path];
    }),
  );
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
  const root = parse(xml).documentElement;
  if (root?.nodeName !== 'domain') throw new Error('XML error: unexpected root element');
  const text = (name: string) => named(root, name)[0]?.textContent?.trim() ?? '';
  const devices = named(root, 'devices')[0];
  const maxMemoryKiB = kibibytes(named(root, 'memory')[0]);
  if (text('name') === '') throw new Error('XML error: missing domain name');
  if (!(maxMemoryKiB > 0)) throw new Error("XML error: missing or invalid '<memory>'");
  return {
    name: text('name'),
    uuid: text('uuid') || randomUUID(),
    maxMemoryKiB,
    memoryKiB: kibibytes(named(root, 'currentMemory')[0]) || maxMemoryKiB,
    vcpus: Number(text('vcpu') || 1),
    bootloader: text('bootloader'),
    disks: named(devices, 'disk').flatMap((disk) => {
      const source = named(disk, 'source')[0];
      return source?.getAttribute('file') ?? source?.getAttribute('dev') ?? [];
    }),
    cards: named(devices, 'interface').map((card) => ({
      mac: named(card, 'mac')[0]?.getAttribute('address')?.toLowerCase() ?? '',
      bridge: named(card, 'source')[0]?.getAttribute('bridge') ?? '',
    })),
  };
}

/** The paths of a domain's disks, the one it boots from first. */
export function disksOf(xml: string): readonly string[] {
  return readDomain(xml).disks;
}

/**
 * A domain as `virsh dumpxml` prints it after `virsh define`: memory in KiB, what was missing filled in, devices of
 * libvirt's own added. Measured on libvirt 9.0 with a paravirtualized guest.
 * @throws Error as readDomain
 */
export function asLibvirtKeepsIt(xml: string): string {
  const facts = readDomain(xml);
  const document = parse(xml);
  const root = document.documentElement as Element;
  const make = (parent: Element, name: string, attributes: Readonly<Record<string, string>>, before?: Element) => {
    const child = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) child.setAttribute(key, value);
    parent.insertBefore(child, before ?? null);
    return child;
  };
  for (const name of ['memory', 'currentMemory']) {
    const element = named(root, name)[0];
    if (!element) continue;
    element.textContent = String(name === 'memory' ? facts.maxMemoryKiB : facts.memoryKiB);
    element.setAttribute('unit', 'KiB');
  }
  named(root, 'vcpu')[0]?.setAttribute('placement', 'static');
  if (named(root, 'uuid').length === 0) make(root, 'uuid', {}, elements(root)[1]).textContent = facts.uuid;
  if (named(root, 'clock').length === 0) make(root, 'clock', { offset: 'utc' }, named(root, 'on_poweroff')[0]);
  const devices = named(root, 'devices')[0] ?? make(root, 'devices', {});
  for (const card of named(devices, 'interface')) {
    const tail = randomBytes(3).toString('hex').match(/../g)?.join(':');
    if (named(card, 'mac').length === 0) make(card, 'mac', { address: `00:16:3e:${tail}` }, elements(card)[0]);
  }
  if (named(devices, 'controller').length === 0)
    make(devices, 'controller', { type: 'xenbus', index: '0' }, named(devices, 'interface')[0]);
  if (named(devices, 'input').length === 0)
    for (const type of ['mouse', 'keyboard']) make(devices, 'input', { type, bus: 'xen' });
  if (named(devices, 'memballoon').length === 0) make(devices, 'memballoon', { model: 'xen' });
  return `${print(root, '')}\n`;
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** libvirt's way of printing: two spaces, single quotes; double ones in what is not its own (metadata). */
function print(element: Element, indent: string): string {
  const quote = element.nodeName.includes(':') ? '"' : "'";
  const attributes = [...element.attributes].map(({ name, value }) => ` ${name}=${quote}${escaped(value)}${quote}`);
  const open = `${indent}<${element.nodeName}${attributes.join('')}`;
  const children = elements(element);
  if (children.length > 0)
    return `${open}>\n${children.map((child) => `${print(child, `${indent}  `)}\n`).join('')}${indent}</${element.nodeName}>`;
  const text = element.textContent?.trim() ?? '';
  return text === '' ? `${open}/>` : `${open}>${escaped(text)}</${element.nodeName}>`;
}
