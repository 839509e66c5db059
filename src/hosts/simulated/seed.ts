import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setPackages } from './packages.ts';
import { seedRedHat, seedServices } from './red-hat/seed.ts';
import { freshState } from './state.ts';
import { Tree } from './tree.ts';
import { saveState } from './world.ts';

/** A dom0 as its owner hands it over: Xen, libvirt and a bridge are there; some tools that lab needs are not. */
const dom0Packages = [
  ...['coreutils', 'dpkg', 'e2fsprogs', 'iproute2', 'iputils-ping', 'openssh-client', 'openssh-server', 'systemd-sysv'],
  ...['xen-system-amd64', 'libvirt-daemon-system', 'libvirt-clients', 'libvirt-daemon-driver-xen', 'qemu-system-xen'],
];

/** What dom0 has. */
export interface SeedOptions {
  /** Debian 12 with libvirt, or the document's day: RHEL 5.1 with xend and cman 2.x. */
  readonly era?: 'debian' | 'red-hat';
  /** Packages that are installed, besides those of any dom0. */
  readonly packages?: readonly string[];
  /** red-hat: packages that are not, though any dom0 has them. */
  readonly without?: readonly string[];
  /** Of dom0; only `red-hat` has one of its own. */
  readonly hostname?: string;
  /** red-hat: cman 2.0.73, whose fence_xvmd has no -L, -X, -I and -U; or 2.0.98. */
  readonly fenceXvmd?: 'old' | 'new';
  /** red-hat: fence_xvm ends with 0 although the challenge failed (facts/fencing.md). */
  readonly oldClientLies?: boolean;
  readonly bridge?: string;
  /** Of dom0 on the bridge. */
  readonly address?: string;
}

/**
 * Makes the world of a fresh dom0 in a directory, unless it has one. What makes it count is written last.
 */
export async function seedSimulated(directory: string, options: SeedOptions = {}): Promise<void> {
  if (existsSync(join(directory, 'state.json'))) return;
  const { bridge = 'xenbr0', address = '192.168.77.1/24', packages = [], era = 'debian' } = options;
  mkdirSync(directory, { recursive: true });
  const clock = Math.floor(Date.now() / 1000);
  const dom0 = new Tree(join(directory, 'dom0'), () => clock);
  const local = new Tree(join(directory, 'local'), () => clock);
  for (const [tree, name] of [
    [dom0, 'dom0'],
    [local, 'local'],
  ] as const) {
    for (const path of ['/etc', '/root', '/run', '/tmp', '/var/lib']) tree.makeDirectory(path);
    if (era === 'red-hat' && name === 'dom0') continue;
    tree.write('/etc/hostname', `${name}\n`);
    tree.write('/etc/debian_version', '12.12\n');
  }
  setPackages(local, ['coreutils', 'dpkg', 'openssh-client', 'systemd-sysv'], 'installed');
  const state = { ...freshState(clock), ...(options.oldClientLies ? { oldClientLies: true } : {}) };
  if (era === 'red-hat') {
    const { hostname = 'dom0', fenceXvmd = 'new', without = [] } = options;
    seedRedHat(dom0, { bridge, address, packages, without, hostname, fenceXvmd });
    seedServices(dom0, state.machines.dom0, clock);
    saveState(directory, state);
    return;
  }
  setPackages(dom0, [...new Set([...dom0Packages, ...packages])], 'installed');
  dom0.makeDirectory('/etc/xen');
  dom0.write('/proc/xen/capabilities', 'control_d\n', 0o444);
  dom0.write('/etc/network/interfaces', interfaces(bridge, address));
  for (const [device, mac] of [
    ['eth0', '52:54:00:12:34:56'],
    [bridge, '5e:1c:0a:0e:00:01'],
  ] as const)
    dom0.write(`/sys/class/net/${device}/address`, `${mac}\n`);
  // What a bridge is born with: it snoops, and nobody asks who listens (facts/diagnosis.md, 7).
  dom0.write(`/sys/class/net/${bridge}/bridge/multicast_snooping`, '1\n');
  dom0.write(`/sys/class/net/${bridge}/bridge/multicast_querier`, '0\n');
  for (const [unit, pid] of [
    ['libvirtd', 812],
    ['ssh', 640],
  ] as const)
    state.machines.dom0.services[unit] = { active: 'active', pid, started: clock, since: 0 };
  saveState(directory, state);
}

const interfaces = (bridge: string, address: string) => `auto eth0
iface eth0 inet static
    address 10.0.2.15/24

auto ${bridge}
iface ${bridge} inet static
    bridge_ports none
    address ${address}
`;
