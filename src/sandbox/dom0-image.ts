import { join } from 'node:path';
import type { Reader } from '../model/host.ts';
import type { Step } from '../model/step.ts';
import { buildDebianImage, type DebianImage, imageKey, sshdReadsOnce } from '../steps/debian-image.ts';
import { type Placed, textOf } from '../steps/file-content.ts';
import type { SandboxPaths } from './paths.ts';
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

/** No exchange of keys against quantum computers within one machine: without KVM it is a third of a connection. */
const exchange = 'KexAlgorithms curve25519-sha256';

/** dom0 of a sandbox: Xen, libvirt, fence_virtd. The same for every lab; what differs comes with the seed. */
export function dom0Image(packages: readonly string[]): DebianImage {
  return {
    suite: 'bookworm',
    packages: [...new Set([...basics, ...packages])],
    initrd: { is: 'full', modules: ['virtio_pci', 'virtio_blk', 'virtio_net', 'ext4', 'xfs'] },
    files: [
      ...seedingFiles,
      { path: '/etc/network/interfaces', mode: 0o644, text: interfaces },
      sshdReadsOnce,
      {
        path: '/etc/ssh/sshd_config.d/cluster-lab.conf',
        mode: 0o644,
        text: `PasswordAuthentication no\nUsePAM no\n${exchange}\n`,
      },
      { path: '/etc/ssh/ssh_config.d/cluster-lab.conf', mode: 0o644, text: `${exchange}\n` },
    ],
    disable: ['libvirt-guests.service', 'fence_virtd.service', 'xendomains.service'],
    enable: [lateSeed],
    // Who is logged in, and since when dom0 is up, is written down for nobody.
    mask: ['systemd-update-utmp.service', 'systemd-update-utmp-runlevel.service'],
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
export function builtDom0(cache: string, image: DebianImage): BuiltDom0 {
  return builtIn(join(cache, `dom0-${imageKey(image)}`));
}

export type BuiltDom0 = ReturnType<typeof builtIn>;

/** What lies in the directory of a built dom0. */
export function builtIn(directory: string) {
  return {
    directory,
    disk: join(directory, 'dom0.img'),
    xen: join(directory, 'xen.elf'),
    kernel: join(directory, 'vmlinuz'),
    initrd: join(directory, 'initrd.img'),
  };
}

/**
 * The one that this sandbox's disks were laid over, or else the newest: another one may have another kernel, whose modules are not
 * on this disk.
 */
export async function dom0Of(local: Reader, paths: SandboxPaths, newest: BuiltDom0): Promise<BuiltDom0> {
  const own = textOf(await local.readFile(paths.image))?.trimEnd();
  return own ? builtIn(own) : newest;
}

/** Builds dom0's image natively, once for all sandboxes. */
export function dom0ImageBuilt(
  placed: Placed,
  { image, cache, work, paths }: { image: DebianImage; cache: string; work: string; paths: SandboxPaths },
): Step {
  const built = builtDom0(cache, image);
  return {
    kind: 'step',
    ...placed,
    async check({ host }) {
      // A sandbox that has its disks goes on with them, and with the kernel that fits them.
      if ((await host.stat(built.disk)) || (await host.stat(paths.dom0Disk))) return [];
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
