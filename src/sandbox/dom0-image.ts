import { join } from 'node:path';
import type { Step } from '../model/step.ts';
import { buildDebianImage, type DebianImage, imageKey } from '../steps/debian-image.ts';
import type { Placed } from '../steps/file-content.ts';
import { lateSeed, seedingFiles } from './seeding.ts';

/** What dom0 needs beside the toolstack's packages. xfsprogs: /guests can do reflinks. */
const basics = [
  'systemd-sysv',
  'udev',
  'dbus',
  'openssh-server',
  'bridge-utils',
  'ifupdown',
  'netbase',
  'kmod',
  'procps',
  'psmisc',
  'linux-image-amd64',
  'initramfs-tools',
  'zstd',
  'xfsprogs',
  'uuid-runtime',
  'nftables',
];

const interfaces = `auto lo
iface lo inet loopback
auto eth0
iface eth0 inet static
	address 10.0.2.15/24
source /etc/network/interfaces.d/*
`;

/** dom0 of a sandbox: Xen, libvirt, fence_virtd. The same for every lab; what differs comes with the seed. */
export function dom0Image(packages: readonly string[]): DebianImage {
  return {
    suite: 'bookworm',
    packages: [...new Set([...basics, ...packages])],
    initrd: { is: 'full', modules: ['virtio_pci', 'virtio_blk', 'virtio_net', 'ext4', 'xfs'] },
    files: [
      ...seedingFiles,
      { path: '/etc/network/interfaces', mode: 0o644, text: interfaces },
      { path: '/etc/ssh/sshd_config.d/cluster-lab.conf', mode: 0o644, text: 'PasswordAuthentication no\nUsePAM no\n' },
    ],
    disable: ['libvirt-guests.service', 'fence_virtd.service', 'xendomains.service'],
    enable: [lateSeed],
    hooks: [
      // The init script knows this variable only, not the XENCONSOLED_TRACE that its comment names.
      'mkdir -p "$1"/var/log/xen/console "$1"/guests && echo \'XENCONSOLED_ARGS="--log=guest --log-dir=/var/log/xen/console"\' >> "$1"/etc/default/xen',
      // QEMU's multiboot loader wants the ELF, not the gzip.
      'zcat "$1"/boot/xen-*-amd64.gz > "$1"/boot/xen.elf',
      'ln "$1"/boot/vmlinuz-* "$1"/boot/vmlinuz && ln "$1"/boot/initrd.img-* "$1"/boot/initrd.img',
    ],
  };
}

/** Size of dom0's disk (bytes, sparse). */
const dom0Bytes = 20 * 1024 ** 3;

/** Where a built dom0 lies in the cache: the directory is named by what went into it. */
export function builtDom0(cache: string, image: DebianImage) {
  const directory = join(cache, `dom0-${imageKey(image)}`);
  return {
    directory,
    disk: join(directory, 'dom0.img'),
    xen: join(directory, 'xen.elf'),
    kernel: join(directory, 'vmlinuz'),
    initrd: join(directory, 'initrd.img'),
  };
}

/** Builds dom0's image natively, once for all sandboxes. */
export function dom0ImageBuilt(
  placed: Placed,
  { image, cache, work }: { image: DebianImage; cache: string; work: string },
): Step {
  const built = builtDom0(cache, image);
  return {
    kind: 'step',
    ...placed,
    async check({ host }) {
      if (await host.stat(built.disk)) return [];
      return [
        { is: 'command', argv: ['mkdir', '-p', built.directory] },
        ...buildDebianImage(image, {
          work,
          output: built.disk,
          bytes: dom0Bytes,
          keep: [
            ['/boot/xen.elf', built.xen],
            ['/boot/vmlinuz', built.kernel],
            ['/boot/initrd.img', built.initrd],
          ],
        }),
      ];
    },
  };
}
