import { BadInput, type Place } from '../model/errors.ts';
import { type DiskSpec, readDisk } from './disk-spec.ts';
import { LAB_NAMESPACE, type LabMark } from './domain-facts.ts';
import { type DomainFile, PYTHON, type Value } from './domain-file.ts';
import { readVif } from './vif-spec.ts';
import { element } from './xml.ts';

export { type DomainFacts, type LabMark, readDomainXml } from './domain-facts.ts';
export { sameDomain } from './domain-same.ts';

export interface DomainXmlOptions {
  /** Paths of the disks that other guests write to as well; `w!` in the domain file counts too. */
  readonly shared: readonly string[];
  /** Owner's mark in `<metadata>`: by it lab knows its own domains. */
  readonly mark: LabMark;
}

/** What makes another machine of a guest than the paravirtualized one described here. Dropping it silently would be a lie. */
const NOT_TRANSLATED = ['kernel', 'ramdisk', 'pci', 'nics', 'vtpm'];

/** libxl's and libvirt's defaults, and the words both know (xl.cfg(5), Event Actions; formatdomain.html, Events). */
const LIFECYCLE = { on_poweroff: 'destroy', on_reboot: 'restart', on_crash: 'destroy' } as const;
const ACTIONS = ['destroy', 'restart', 'rename-restart', 'preserve', 'coredump-destroy', 'coredump-restart'];

/** Typed access to the values of a domain file. */
class Values {
  private readonly domain: DomainFile;
  constructor(domain: DomainFile) {
    this.domain = domain;
  }

  place(key: string): Place {
    return this.domain.decides.get(key)?.place ?? { file: this.domain.file };
  }

  fail(key: string, message: string, hint?: string): never {
    throw new BadInput([{ place: this.place(key), message, ...(hint !== undefined && { hint }) }]);
  }

  get(key: string): Exclude<Value, typeof PYTHON> | undefined {
    const value = this.domain.values.get(key);
    const python = value === PYTHON || (value === undefined && this.domain.decides.has(key));
    return python ? this.fail(key, `\`${key}\` is decided by Python code, which lab does not execute`) : value;
  }

  text(key: string): string | undefined {
    const value = this.get(key);
    return value === undefined || typeof value === 'string' ? value : this.fail(key, `\`${key}\` is not a string`);
  }

  number(key: string): number | undefined {
    const value = this.get(key);
    if (value === undefined || typeof value === 'number') return value;
    return typeof value === 'string' && /^\d+$/.test(value)
      ? Number(value)
      : this.fail(key, `\`${key}\` is not a whole number`);
  }

  list(key: string): readonly string[] {
    const value = this.get(key) ?? [];
    return typeof value === 'object' ? value : this.fail(key, `\`${key}\` is not a list`);
  }

  needed<T>(key: string, value: T | undefined): T {
    return value ?? this.fail(key, `\`${key}\` is missing`);
  }
}

function refuseOthers(values: Values): void {
  for (const [key, pv] of [
    ['builder', ['linux', 'generic']],
    ['type', ['pv']],
  ] as const) {
    const value = values.text(key);
    if (value !== undefined && !(pv as readonly string[]).includes(value)) {
      values.fail(key, `\`${key} = "${value}"\` is no paravirtualized guest`, 'lab makes paravirtualized guests only.');
    }
  }
  for (const key of NOT_TRANSLATED) {
    const value = values.get(key);
    if (value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0)) {
      values.fail(key, `\`${key}\` has no translation into libvirt XML here`, 'Remove it, or use `toolstack: xm`.');
    }
  }
}

function diskXml({ target, format, vdev, access, shared, cdrom }: DiskSpec, sharedPaths: readonly string[]): string {
  const isBlock = target.startsWith('/dev/');
  const bus = vdev.startsWith('hd') ? 'ide' : vdev.startsWith('sd') ? 'scsi' : 'xen';
  return element('disk', { type: isBlock ? 'block' : 'file', device: cdrom ? 'cdrom' : 'disk' }, [
    element('driver', { name: 'qemu', type: format }),
    target === '' ? undefined : element('source', { [isBlock ? 'dev' : 'file']: target }),
    element('target', { dev: vdev, bus }),
    access === 'r' ? element('readonly') : undefined,
    shared || sharedPaths.includes(target) ? element('shareable') : undefined,
  ]);
}

function interfaceXml(text: string, place: Place): string {
  const { mac, bridge = 'xenbr0' } = readVif(text, place);
  return element('interface', { type: 'bridge' }, [
    mac === undefined ? undefined : element('mac', { address: mac.toLowerCase() }),
    element('source', { bridge }),
  ]);
}

/**
 * The libvirt XML (for xen:///system) of the paravirtualized guest that a domain file describes. Every disk gets the
 * driver qemu: libvirt's own choice for `tap:` is not available, and qemu's backend lets guests share a file. A frame
 * buffer (`vfb`) is left out: the console is enough. The guest reads the processor's own counter (xl.cfg(5), tsc_mode): where Xen does
 * not know it to be reliable, as on an emulated processor, it would trap each reading of the clock, an eighth of a guest's boot.
 * @throws BadInput for values that are missing, of the wrong kind, or Python code; for a fully virtualized guest; and for
 *   what is not translated: a kernel of its own, PCI devices
 */
export function domainXml(domain: DomainFile, { shared, mark }: DomainXmlOptions): string {
  const values = new Values(domain);
  refuseOthers(values);
  const uuid = values.text('uuid');
  const memory = values.needed('memory', values.number('memory'));
  const bootloader = values.text('bootloader');
  const lifecycle = Object.entries(LIFECYCLE).map(([event, usual]) => {
    const action = values.text(event) ?? usual;
    return ACTIONS.includes(action) ? element(event, {}, action) : values.fail(event, `\`${action}\` is no action`);
  });
  const type = element('type', { arch: 'x86_64', machine: 'xenpv' }, 'linux');
  const ownership = element('lab:guest', { 'xmlns:lab': LAB_NAMESPACE, lab: mark.lab, guest: mark.guest });
  const xml = element('domain', { type: 'xen' }, [
    element('name', {}, values.needed('name', values.text('name'))),
    uuid === undefined ? undefined : element('uuid', {}, uuid),
    element('metadata', {}, [ownership]),
    element('memory', { unit: 'MiB' }, String(Math.max(memory, values.number('maxmem') ?? memory))),
    element('currentMemory', { unit: 'MiB' }, String(memory)),
    element('vcpu', {}, String(values.number('vcpus') ?? 1)),
    // libxl finds its own pygrub by name; the document's /usr/bin/pygrub is elsewhere today.
    bootloader ? element('bootloader', {}, bootloader === '/usr/bin/pygrub' ? 'pygrub' : bootloader) : undefined,
    element('os', {}, [type]),
    element('clock', { offset: 'utc' }, [element('timer', { name: 'tsc', mode: 'native' })]),
    ...lifecycle,
    element('devices', {}, [
      ...values.list('disk').map((text) => diskXml(readDisk(text, values.place('disk')), shared)),
      ...values.list('vif').map((text) => interfaceXml(text, values.place('vif'))),
      element('console', { type: 'pty' }, [element('target', { type: 'xen', port: 0 })]),
    ]),
  ]);
  return `${xml}\n`;
}
