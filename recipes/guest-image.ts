import type { Lab } from '../src/spec/lab.ts';
import { stackOf } from '../src/stacks/index.ts';
import { type DebianImage, imageKey, sshdReadsOnce } from '../src/steps/debian-image.ts';

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
  'tiny-initramfs',
  'xz-utils',
];

/** pygrub reads this; it boots nothing, it only names kernel and initrd. On one virtual CPU a second worker of udev is one more fork. */
const grub = `set default=0
set timeout=0
menuentry 'Debian' {
  linux /boot/vmlinux root=/dev/xvda rw rootflags=noatime console=hvc0 net.ifnames=0 mitigations=off cryptomgr.notests udev.children_max=1
  initrd /boot/initrd.img
}
`;

/**
 * Run whenever a kernel is installed (Debian kernel policy, /etc/kernel/postinst.d: VERSION IMAGE). It unpacks the kernel once,
 * which libxl would do at every boot (5 s of 16 without KVM): the payload of a bzImage (Linux, Documentation/arch/x86/boot.rst:
 * setup_sects at 0x1f1, payload_offset at 0x248, payload_length at 0x24c, its last four bytes are the size of what is in it).
 * A kernel that is packed otherwise than by xz stays as it is.
 */
const unpack = `#!/bin/sh
set -e
at() { od -An -t"u$2" -j"$1" -N"$2" "$image" | tr -d ' '; }
image=$2
{
  tail -c +$((($(at 497 1) + 1) * 512 + $(at 584 4) + 1)) "$image" | head -c $(($(at 588 4) - 4)) | xz -dc
} > /boot/vmlinux.new 2> /dev/null || cp "$image" /boot/vmlinux.new
mv /boot/vmlinux.new /boot/vmlinux
`;

const coldplug = 'systemd-udev-trigger.service';
/** udev is told of the disks, the network card and the console alone: a whole coldplug takes half a minute without KVM. */
const coldplugged = `[Service]
ExecStart=
ExecStart=-udevadm trigger --type=devices --action=add --subsystem-match=block --subsystem-match=net
ExecStart=-udevadm trigger --type=devices --action=add --subsystem-match=tty --sysname-match=hvc0
`;

/** What a guest has no use for: each costs a process at boot, a second or more without KVM. */
const needless = [
  'dev-hugepages.mount',
  'dev-mqueue.mount',
  'kmod-static-nodes.service',
  'modprobe@dm_mod.service',
  'modprobe@fuse.service',
  'modprobe@loop.service',
  'proc-sys-fs-binfmt_misc.automount',
  'sys-fs-fuse-connections.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'systemd-initctl.socket',
  'systemd-journald-audit.socket',
  'systemd-logind.service',
  'systemd-network-generator.service',
  'systemd-networkd-wait-online.service',
  'systemd-random-seed.service',
  'systemd-remount-fs.service',
  'systemd-sysusers.service',
  'systemd-tmpfiles-setup-dev.service',
  'systemd-update-utmp.service',
  'systemd-update-utmp-runlevel.service',
];
const generators = [
  ...[
    'cryptsetup',
    'debug',
    'getty',
    'gpt-auto',
    'hibernate-resume',
    'integritysetup',
    'rc-local',
    'run',
    'system-update',
  ],
  'veritysetup',
];

/** The default image as Debian: kernel, ssh, cluster packages in and off at boot. */
export function guestImage(lab: Lab, suite: string): DebianImage {
  const stack = stackOf(lab);
  const image: DebianImage = {
    suite,
    packages: [...basics, ...stack.packages(lab)],
    initrd: { is: 'tiny', modules: ['xen-blkfront', 'xen-netfront', 'ext4'] },
    files: [
      // The kernel mounts the root as it is to be: nothing mounts it again.
      { path: '/etc/fstab', mode: 0o644, text: '' },
      { path: '/boot/grub/grub.cfg', mode: 0o644, text: grub },
      { path: '/etc/kernel/postinst.d/cluster-lab', mode: 0o755, text: unpack },
      { path: `/etc/systemd/system/${coldplug}.d/cluster-lab.conf`, mode: 0o644, text: coldplugged },
      // Empty, they mask the ones of systemd: systemd.generator(7).
      ...generators.map((name) => ({
        path: `/etc/systemd/system-generators/systemd-${name}-generator`,
        mode: 0o644,
        text: '',
      })),
      // Not at boot: what needs it (dlm_controld) has it mounted. An empty file masks the link of systemd (systemd.unit(5)).
      { path: '/etc/systemd/system/sysinit.target.wants/sys-kernel-config.mount', mode: 0o644, text: '' },
      sshdReadsOnce,
      // Keys only, and no session to be set up for each command.
      { path: '/etc/ssh/sshd_config.d/cluster-lab.conf', mode: 0o644, text: 'PasswordAuthentication no\nUsePAM no\n' },
    ],
    disable: [...stack.offAtBoot, 'logd.service'],
    // A getty that does not wait for udev to find its terminal.
    enable: ['systemd-networkd.service', 'console-getty.service'],
    mask: needless,
    hooks: ['ln "$1"/boot/initrd.img-* "$1"/boot/initrd.img', 'install -d -m 0700 "$1"/root/.ssh'],
  };
  const mark = { path: imageMark, mode: 0o644, text: `debian ${suite} ${imageKey(image)}\n` };
  return { ...image, files: [...image.files, mark] };
}
