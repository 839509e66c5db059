import type { MachineState } from '../state.ts';
import type { Tree } from '../tree.ts';
import { installScripts, startedAtBoot } from './chkconfig.ts';
import { writeRelease } from './release.ts';
import { hasRpm, rpmOf, setRpms } from './rpms.ts';

/** A dom0 of RHEL 5.1: all that the document needs is there, since lab installs nothing on such a system. */
const dom0Rpms = [
  ...new Set(Object.values(rpmOf)),
  ...['coreutils', 'initscripts', 'kernel-xen', 'openssh-server', 'gfs2-utils', 'lvm2-cluster'],
];

export interface RedHatSeed {
  readonly packages: readonly string[];
  readonly without: readonly string[];
  readonly bridge: string;
  readonly address: string;
  readonly hostname: string;
  readonly fenceXvmd: 'old' | 'new';
}

/** The files of dom0 as xend's network-bridge leaves them: eth0 keeps its address, and is on the bridge through vif0.0. */
export function seedRedHat(tree: Tree, seed: RedHatSeed): void {
  const { bridge, address, hostname } = seed;
  const [ip = '', prefix = '24'] = address.split('/');
  writeRelease(tree, 5);
  const cman = seed.fenceXvmd === 'old' ? '2.0.73-1.el5' : '2.0.98-1.el5';
  const names = [...dom0Rpms, ...seed.packages].filter((name) => !seed.without.includes(name));
  setRpms(tree, names, 5, { cman });
  installScripts(tree, 5);
  for (const path of ['/etc/xen/auto', '/etc/cluster', '/var/lock/subsys', '/var/run', '/var/log/xen/console'])
    tree.makeDirectory(path);
  const files: Readonly<Record<string, string>> = {
    '/etc/sysconfig/network': `NETWORKING=yes\nHOSTNAME=${hostname}\n`,
    '/etc/sysconfig/network-scripts/ifcfg-eth0': `DEVICE=eth0\nBOOTPROTO=static\nIPADDR=${ip}\nNETMASK=${netmask(Number(prefix))}\nONBOOT=yes\n`,
    '/etc/hosts': `127.0.0.1\t\tlocalhost.localdomain localhost\n${ip}\t\t${hostname}\n`,
    '/proc/xen/capabilities': 'control_d\n',
    '/etc/xen/xend-config.sxp': '(network-script network-bridge)\n(vif-script vif-bridge)\n',
  };
  for (const [path, text] of Object.entries(files)) tree.write(path, text);
  for (const [device, mac] of [
    ['eth0', '00:1a:a0:12:34:56'],
    ['peth0', 'fe:ff:ff:ff:ff:ff'],
    ['vif0.0', 'fe:ff:ff:ff:ff:ff'],
    [bridge, 'fe:ff:ff:ff:ff:ff'],
  ] as const)
    tree.write(`/sys/class/net/${device}/address`, `${mac}\n`);
  // No multicast_snooping in it: 2.6.18 does not snoop.
  tree.write(`/sys/class/net/${bridge}/bridge/forward_delay`, '0\n');
  for (const port of ['peth0', 'vif0.0']) tree.makeDirectory(`/sys/class/net/${bridge}/brif/${port}`);
}

function netmask(prefix: number): string {
  return [0, 8, 16, 24].map((at) => 256 - 2 ** (8 - Math.max(0, Math.min(8, prefix - at)))).join('.');
}

/** What runs on it: its boot is long over. cman failed to start then, for want of a cluster.conf. */
export function seedServices(tree: Tree, state: MachineState, clock: number): void {
  for (const [n, name] of startedAtBoot(tree).entries())
    if (['network', 'sshd', 'xend'].includes(name) && (name !== 'xend' || hasRpm(tree, 'xen')))
      state.services[name] = { active: 'active', pid: 1200 + 31 * n, started: clock, since: 0 };
}
