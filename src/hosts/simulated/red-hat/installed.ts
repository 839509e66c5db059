import type { Layout } from '../images.ts';
import type { Tree } from '../tree.ts';
import { installScripts } from './chkconfig.ts';
import { udevRule } from './ifcfg.ts';
import { releases, writeRelease } from './release.ts';
import { setRpms } from './rpms.ts';

const rpms = {
  5: [
    'kernel-xen',
    'coreutils',
    'diffutils',
    'e2fsprogs',
    'initscripts',
    'openssh',
    'openssh-clients',
    'openssh-server',
    'psmisc',
    'util-linux',
    'iproute',
    'iputils',
    'cman',
    'rgmanager',
    'gfs2-utils',
    'lvm2-cluster',
  ],
  6: [
    'kernel',
    'coreutils',
    'diffutils',
    'e2fsprogs',
    'initscripts',
    'openssh',
    'openssh-clients',
    'openssh-server',
    'psmisc',
    'util-linux-ng',
    'iproute',
    'iputils',
    'cman',
    'rgmanager',
    'gfs2-utils',
    'lvm2-cluster',
    'fence-virt',
    'NetworkManager',
  ],
} as const;

export interface Installation {
  readonly major: 5 | 6;
  readonly layout: Exclude<Layout, 'whole'>;
  readonly mac: string;
  /** The installer ended before it installed a kernel. */
  readonly breaksOff: boolean;
  /** Version of the cman package, if it is not the usual one. */
  readonly cman?: string | undefined;
}

/** What anaconda leaves on the root file system: a host without a name of its own, pinned to the card that it was installed with. */
export function writeInstalled(tree: Tree, { major, layout, mac, breaksOff, cman }: Installation): void {
  const { kernel } = releases[major];
  const root = layout === 'lvm' ? '/dev/VolGroup00/LogVol00' : 'LABEL=/';
  const boot = layout === 'lvm' ? '' : '/boot';
  for (const path of [
    '/root',
    '/tmp',
    '/proc',
    '/sys',
    '/dev',
    '/etc/cluster',
    '/var/log',
    '/var/lock/subsys',
    '/etc/ssh',
  ])
    tree.makeDirectory(path, path === '/root' ? 0o700 : 0o755);
  writeRelease(tree, major);
  const files: Readonly<Record<string, string>> = {
    '/etc/sysconfig/network': 'NETWORKING=yes\nHOSTNAME=localhost.localdomain\n',
    '/etc/sysconfig/network-scripts/ifcfg-eth0': `# Xen Virtual Ethernet\nDEVICE=eth0\nBOOTPROTO=dhcp\nHWADDR=${mac.toUpperCase()}\nONBOOT=yes\n`,
    '/etc/udev/rules.d/70-persistent-net.rules': udevRule({ mac, name: 'eth0' }),
    '/etc/hosts': '127.0.0.1\t\tlocalhost.localdomain localhost\n::1\t\tlocalhost6.localdomain6 localhost6\n',
    '/etc/fstab': `${root} / ext3 defaults 1 1\n`,
  };
  for (const [path, text] of Object.entries(files)) tree.write(path, text);
  if (breaksOff) return;
  setRpms(tree, rpms[major], major, cman === undefined || major === 6 ? {} : { cman });
  installScripts(tree, major);
  tree.write(`/boot/vmlinuz-${kernel}`, 'a kernel\n');
  tree.write(`/boot/initrd-${kernel}.img`, 'an initrd\n');
  tree.write(
    '/boot/grub/menu.lst',
    `default=0\ntimeout=5\ntitle Red Hat Enterprise Linux (${kernel})\n\troot (hd0,0)\n\tkernel ${boot}/vmlinuz-${kernel} ro root=${root} console=xvc0\n\tinitrd ${boot}/initrd-${kernel}.img\n`,
  );
}
