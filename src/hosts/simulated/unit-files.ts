import type { Tree } from './tree.ts';
import type { Machine } from './world.ts';

/** A unit as systemctl(1) names it: `.service` may be left out. */
export function unitName(text: string): string {
  return text.replace(/\.service$/, '');
}

export interface Unit {
  /** The Debian package that brings it. */
  readonly package: string;
  readonly description: string;
  /** Started at boot once the package is in, unless somebody disables it. */
  readonly enabled?: true;
  /** Started before it; it stops when they stop. */
  readonly requires?: readonly string[];
  /** [Install] of one that is started by others only: while it is enabled, those start it. */
  readonly requiredBy?: readonly string[];
  /** Those of `requiredBy` that wait for it, and do not start without it. */
  readonly before?: readonly string[];
  /** It stops when that stops. */
  readonly partOf?: string;
  /** RefuseManualStart and RefuseManualStop. */
  readonly byOthersOnly?: true;
}

/** The units that matter here: names, packages and presets as in Debian 12. */
export const units: Readonly<Record<string, Unit>> = {
  fence_virtd: { package: 'fence-virtd', description: 'Fence-Virt system host daemon' },
  libvirtd: { package: 'libvirt-daemon-system', description: 'Virtualization daemon', enabled: true },
  ssh: { package: 'openssh-server', description: 'OpenBSD Secure Shell server', enabled: true },
  'systemd-networkd': { package: 'systemd', description: 'Network Configuration' },
  'console-getty': { package: 'systemd', description: 'Console Getty' },
  'serial-getty@hvc0': { package: 'systemd', description: 'Serial Getty on hvc0' },
  'systemd-networkd-wait-online': { package: 'systemd', description: 'Wait for Network to be Configured' },
  corosync: { package: 'corosync', description: 'Corosync Cluster Engine', enabled: true },
  pacemaker: {
    package: 'pacemaker',
    description: 'Pacemaker High Availability Cluster Manager',
    enabled: true,
    requires: ['corosync'],
  },
  // Debian's sbd.service, 1.5.2-1.
  sbd: {
    package: 'sbd',
    description: 'Shared-storage based fencing daemon',
    enabled: true,
    requiredBy: ['corosync', 'pacemaker', 'dlm'],
    before: ['pacemaker', 'dlm'],
    partOf: 'corosync',
    byOthersOnly: true,
  },
  dlm: { package: 'dlm-controld', description: 'dlm control daemon', enabled: true, requires: ['corosync'] },
};

/** A fence_virtd beside the distribution's, which has a unit file of its own. */
const beside = /^fence_virtd@[\w-]+$/;
const unitFile = (unit: string) => `/etc/systemd/system/${unit}.service`;

/** A unit that is known, or is written beside those that are. */
export function unitOf(tree: Tree, unit: string): Unit | undefined {
  if (beside.test(unit)) return tree.has(unitFile(unit)) ? units.fence_virtd : undefined;
  return Object.hasOwn(units, unit) ? units[unit] : undefined;
}

/** The drop-ins of a unit, one after the other, or all of one that is written beside (systemd.unit(5)). */
export function dropIns(tree: Tree, unit: string): string {
  if (beside.test(unit)) return tree.text(unitFile(unit)) ?? '';
  const directory = `/etc/systemd/system/${unit}.service.d`;
  const names = tree.list(directory)?.filter((name) => name.endsWith('.conf')) ?? [];
  return names.map((name) => tree.text(`${directory}/${name}`)).join('\n');
}

/** systemd reads the unit files: at boot, and when it is told to. */
export function daemonReload({ tree, state }: Machine): void {
  const own = (tree.list('/etc/systemd/system') ?? []).map(unitName).filter((name) => beside.test(name));
  for (const unit of [...Object.keys(units), ...own]) state.loaded[unit] = dropIns(tree, unit);
}
