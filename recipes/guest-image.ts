import type { Lab } from '../src/spec/lab.ts';
import { stackOf } from '../src/stacks/index.ts';
import { type DebianImage, imageKey } from '../src/steps/debian-image.ts';

/** In an installed image: what went into it. An image without it was not made by lab, or not finished. */
export const imageMark = '/etc/cluster-lab-image';

/** What every guest needs, whatever its stack. The cloud kernel lacks gfs2 and dlm, so it is the whole one. */
const basics = [
  'linux-image-amd64',
  'systemd-sysv',
  'udev',
  'dbus',
  'openssh-server',
  'iproute2',
  'iputils-ping',
  'netbase',
  'kmod',
  'procps',
  'initramfs-tools',
  'zstd',
];

/** pygrub reads this; it boots nothing, it only names kernel and initrd. */
const grub = `set default=0
set timeout=0
menuentry 'Debian' {
  linux /boot/vmlinuz root=/dev/xvda ro console=hvc0 net.ifnames=0 mitigations=off cryptomgr.notests
  initrd /boot/initrd.img
}
`;

/** The default image as Debian: kernel, ssh, cluster packages in and off at boot. */
export function guestImage(lab: Lab, suite: string): DebianImage {
  const stack = stackOf(lab);
  const image: DebianImage = {
    suite,
    packages: [...basics, ...stack.packages(lab)],
    modules: ['xen-blkfront', 'xen-netfront', 'ext4'],
    files: [
      { path: '/etc/fstab', mode: 0o644, text: '/dev/xvda / ext4 rw,noatime 0 1\n' },
      { path: '/boot/grub/grub.cfg', mode: 0o644, text: grub },
      // Keys only, and no session to be set up for each command.
      { path: '/etc/ssh/sshd_config.d/cluster-lab.conf', mode: 0o644, text: 'PasswordAuthentication no\nUsePAM no\n' },
    ],
    disable: [...stack.offAtBoot, 'systemd-networkd-wait-online.service', 'logd.service'],
    enable: ['systemd-networkd.service'],
    hooks: [
      'ln "$1"/boot/vmlinuz-* "$1"/boot/vmlinuz',
      'ln "$1"/boot/initrd.img-* "$1"/boot/initrd.img',
      'install -d -m 0700 "$1"/root/.ssh',
    ],
  };
  const mark = { path: imageMark, mode: 0o644, text: `debian ${suite} ${imageKey(image)}\n` };
  return { ...image, files: [...image.files, mark] };
}
