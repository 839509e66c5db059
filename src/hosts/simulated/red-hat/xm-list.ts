import { readDomain } from '../domain-xml.ts';
import type { Running } from '../state.ts';
import type { World } from '../world.ts';
import { domainsOf } from './domains.ts';

function letters({ state, stopping }: Running): string {
  if (stopping !== undefined) return '---s--';
  return state === 'paused' ? '--p---' : '-b----';
}

interface Row {
  readonly name: string;
  readonly id: number;
  readonly memory: number;
  readonly vcpus: number;
  readonly letters: string;
  readonly time: number;
}

const dom0: Row = { name: 'Domain-0', id: 0, memory: 3072, vcpus: 2, letters: 'r-----', time: 536.9 };

function rowOf(name: string, running: Running): Row {
  const { maxMemoryKiB, vcpus } = readDomain(running.xml);
  return { name, id: running.id, memory: maxMemoryKiB / 1024, vcpus, letters: letters(running), time: 31 };
}

/** `xm list` of Xen 3.0.3, as RHEL 5.1 has it. */
export function listText(world: World, only: readonly string[]): string | undefined {
  const rows = [dom0, ...domainsOf(world).map(({ name, running }) => rowOf(name, running))];
  const found =
    only.length === 0 ? rows : rows.filter(({ name, id }) => only.includes(name) || only.includes(String(id)));
  if (found.length < only.length) return undefined;
  const lines = found.map(
    ({ name, id, memory, vcpus, letters: state, time }) =>
      `${name.padEnd(40)} ${String(id).padStart(3)} ${String(memory).padStart(8)} ${String(vcpus).padStart(5)} ${state} ${time.toFixed(1).padStart(7)}\n`,
  );
  return `Name                                      ID Mem(MiB) VCPUs State   Time(s)\n${lines.join('')}`;
}

type Sxp = string | readonly [string, ...Sxp[]];

/** xend's SXP, a list in brackets a line, what is in it indented by four. */
function print(value: Sxp, indent = ''): string {
  if (typeof value === 'string') return `${indent}${value}`;
  const [head, ...rest] = value;
  if (rest.every((item) => typeof item === 'string')) return `${indent}(${[head, ...rest].join(' ')})`;
  return `${indent}(${head}\n${rest.map((item) => `${print(item, `${indent}    `)}\n`).join('')}${indent})`;
}

function longOf(name: string, uuid: string, running: Running): Sxp {
  const { vcpus, maxMemoryKiB } = readDomain(running.xml);
  const memory = String(maxMemoryKiB / 1024);
  const { disks = [], cards = [], lifecycle } = running.xm ?? {};
  return [
    'domain',
    ['domid', String(running.id)],
    ['uuid', uuid],
    ['vcpus', String(vcpus)],
    ['cpu_weight', '1.0'],
    ['memory', memory],
    ['shadow_memory', '0'],
    ['maxmem', memory],
    ['bootloader', '/usr/bin/pygrub'],
    ['features', ''],
    ['name', name],
    ...Object.entries(lifecycle ?? {}).map(([event, action]): Sxp => [event, action]),
    [
      'image',
      [
        'linux',
        ['kernel', `/var/lib/xen/boot_kernel.${running.id}`],
        ['ramdisk', `/var/lib/xen/boot_ramdisk.${running.id}`],
      ],
    ],
    ...cards.map(({ mac, bridge }): Sxp => [
      'device',
      ['vif', ['backend', '0'], ['script', 'vif-bridge'], ['bridge', bridge], ['mac', mac]],
    ]),
    ...disks.map(({ uname, dev, mode }): Sxp => [
      'device',
      [
        uname.startsWith('tap:') ? 'tap' : 'vbd',
        ['backend', '0'],
        ['dev', `${dev}:disk`],
        ['uname', uname],
        ['mode', mode],
      ],
    ]),
    ['state', letters(running)],
    ['cpu_time', '31.0'],
    ['online_vcpus', String(vcpus)],
    ['store_mfn', '197433'],
    ['console_mfn', '197432'],
  ];
}

export function listLong(world: World, only: readonly string[]): string {
  const own: Sxp = [
    'domain',
    ['domid', '0'],
    ['uuid', '00000000-0000-0000-0000-000000000000'],
    ['vcpus', '2'],
    ['cpu_weight', '1.0'],
    ['memory', '3072'],
    ['maxmem', '16777215'],
    ['name', 'Domain-0'],
    ['on_poweroff', 'destroy'],
    ['on_reboot', 'restart'],
    ['on_crash', 'restart'],
    ['state', 'r-----'],
  ];
  const domains = domainsOf(world).filter(
    ({ name, running }) => only.length === 0 || only.includes(name) || only.includes(String(running.id)),
  );
  const all = domains.map(({ name, uuid, running }) => longOf(name, uuid, running));
  const first = only.length === 0 || only.includes('Domain-0') || only.includes('0') ? [own] : [];
  return [...first, ...all].map((domain) => `${print(domain)}\n`).join('\n');
}
