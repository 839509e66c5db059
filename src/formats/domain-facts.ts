import { BadInput } from '../model/errors.ts';
import { onceOfText } from '../model/once.ts';
import { children, descend, type Element, parseXml, XmlElement } from './xml.ts';

/** XML namespace of the mark by which lab knows its own domains. */
export const LAB_NAMESPACE = 'urn:cluster-lab';

/** Which lab a domain belongs to, and which guest of it the domain is. */
export interface LabMark {
  readonly lab: string;
  readonly guest: string;
}

export interface DiskFacts {
  /** '' for an empty CD drive. */
  readonly path: string;
  /** xvda */
  readonly device: string;
  readonly shareable: boolean;
  readonly readonly: boolean;
  /** raw, qcow2 …: `driver type`. */
  readonly format: string;
  /** qemu, phy …: `driver name`. */
  readonly driver: string;
}

export interface InterfaceFacts {
  /** In lower case. */
  readonly mac: string;
  readonly bridge: string;
}

/** What lab cares about in a libvirt domain. What libvirt adds of itself (addresses, aliases, clock) is not among it. */
export interface DomainFacts {
  readonly name: string;
  readonly uuid: string;
  readonly memoryMiB: number;
  readonly maxMemoryMiB: number;
  readonly vcpus: number;
  /** '' if there is none. */
  readonly bootloader: string;
  /** on_poweroff, on_reboot, on_crash. */
  readonly lifecycle: readonly string[];
  readonly disks: readonly DiskFacts[];
  readonly interfaces: readonly InterfaceFacts[];
  readonly mark?: LabMark;
}

/** Bytes of each unit (libvirt, formatdomain.html, Memory Allocation); KiB is meant if none is said. */
const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  bytes: 1,
  KB: 1e3,
  k: 2 ** 10,
  KiB: 2 ** 10,
  MB: 1e6,
  M: 2 ** 20,
  MiB: 2 ** 20,
  GB: 1e9,
  G: 2 ** 30,
  GiB: 2 ** 30,
  TB: 1e12,
  T: 2 ** 40,
  TiB: 2 ** 40,
};

const textOf = (domain: Element, name: string): string => descend(domain, name)?.text.trim() ?? '';

function numberIn(domain: Element, name: string): number {
  const text = textOf(domain, name);
  if (/^\d+$/.test(text)) return Number(text);
  throw new BadInput([{ place: { file: 'domain XML' }, message: `<${name}> holds no whole number but \`${text}\`` }]);
}

function mebibytes(domain: Element, name: string): number {
  const unit = descend(domain, name)?.attributes.unit || 'KiB';
  const bytes = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
  if (bytes !== undefined) return (numberIn(domain, name) * bytes) / 2 ** 20;
  throw new BadInput([{ place: { file: 'domain XML' }, message: `<${name}> is in an unknown unit \`${unit}\`` }]);
}

function diskFacts(disk: Element): DiskFacts {
  const [source, driver, target] = ['source', 'driver', 'target'].map((name) => descend(disk, name));
  return {
    path: source?.attributes.file ?? source?.attributes.dev ?? '',
    device: target?.attributes.dev ?? '',
    shareable: children(disk, 'shareable').length > 0,
    readonly: children(disk, 'readonly').length > 0,
    format: driver?.attributes.type ?? 'raw',
    driver: driver?.attributes.name ?? '',
  };
}

/** An attribute of an element, or of the nearest around it that has one. */
function inherited(at: Element, name: string): string | undefined {
  const { attributes, parent } = at;
  return attributes[name] ?? (parent instanceof XmlElement ? inherited(parent, name) : undefined);
}

function markOf(domain: Element): LabMark | undefined {
  const metadata = descend(domain, 'metadata');
  const mark = children(metadata).find((at) => {
    const [name, prefix] = at.name.split(':').reverse();
    const declaration = prefix === undefined ? 'xmlns' : `xmlns:${prefix}`;
    return name === 'guest' && inherited(at, declaration) === LAB_NAMESPACE;
  });
  const lab = mark?.attributes.lab;
  const guest = mark?.attributes.guest;
  return lab && guest ? { lab, guest } : undefined;
}

/**
 * Reads a libvirt domain: ours (domain-xml.ts), or what `virsh dumpxml --inactive` prints.
 * @throws BadInput if it is no well-formed `<domain>`, or memory or vcpu are no numbers
 */
export const readDomainXml = onceOfText((xml): DomainFacts => {
  const domain = parseXml(xml, 'domain', 'domain XML');
  const devices = descend(domain, 'devices');
  const mark = markOf(domain);
  return {
    name: textOf(domain, 'name'),
    uuid: textOf(domain, 'uuid').toLowerCase(),
    memoryMiB: mebibytes(domain, descend(domain, 'currentMemory') ? 'currentMemory' : 'memory'),
    maxMemoryMiB: mebibytes(domain, 'memory'),
    vcpus: numberIn(domain, 'vcpu'),
    bootloader: textOf(domain, 'bootloader'),
    lifecycle: ['on_poweroff', 'on_reboot', 'on_crash'].map((event) => textOf(domain, event)),
    disks: children(devices, 'disk').map(diskFacts),
    interfaces: children(devices, 'interface').map((at) => ({
      mac: descend(at, 'mac')?.attributes.address?.toLowerCase() ?? '',
      bridge: descend(at, 'source')?.attributes.bridge ?? '',
    })),
    ...(mark && { mark }),
  };
}, 256);
