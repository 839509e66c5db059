import { createHash } from 'node:crypto';
import { type Change, command, file, showable } from '../model/change.ts';

/** A Debian system as a bootable ext4 image. */
export interface DebianImage {
  /** Release: bookworm. */
  readonly suite: string;
  readonly packages: readonly string[];
  /**
   * Kernel modules of the initrd: only what it takes to mount the root. `tiny` has no udev and no shell, and mounts the root at
   * once (tiny-initramfs); `full` runs scripts as well (initramfs-tools). The package of one of both must be among the packages.
   */
  readonly initrd: { readonly is: 'full' | 'tiny'; readonly modules: readonly string[] };
  /** Files of ours, in place before the first package is configured. */
  readonly files: readonly { readonly path: string; readonly mode: number; readonly text: string }[];
  /** Units that must not start at boot, or must. */
  readonly disable: readonly string[];
  readonly enable: readonly string[];
  /** Units that must never start, whoever wants them. */
  readonly mask?: readonly string[];
  /** More shell words for mmdebstrap(1) to run when all is installed, with the root directory as $1. */
  readonly hooks?: readonly string[];
}

/** sshd reads its configuration once, not a first time to try it. */
export const sshdReadsOnce = {
  path: '/etc/systemd/system/ssh.service.d/cluster-lab.conf',
  mode: 0o644,
  text: '[Service]\nExecStartPre=\n',
} as const;

/** Timers that wake a guest for nothing, and services that nobody needs there. */
const idle = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'getty@tty1.service',
  'logrotate.timer',
];

/** Static units that cost a boot without hardware virtualization many seconds each, for things a virtual machine does not have. */
const masked = [
  'ifupdown-pre.service',
  'modprobe@drm.service',
  'modprobe@efi_pstore.service',
  'systemd-pstore.service',
  'systemd-binfmt.service',
];

/** Modules that udev loads because it sees the CPU's abilities: their self-tests take most of an emulated boot. */
const slow = [
  'aesni_intel',
  'cfg80211',
  'crc32_pclmul',
  'crct10dif_pclmul',
  'ghash_clmulni_intel',
  'pcspkr',
  'sha1_ssse3',
  'sha256_ssse3',
  'sha512_ssse3',
];
const blacklist = slow.map((name) => `blacklist ${name}\n`).join('');

/** What the initrd is made of, in place before the kernel is configured. */
function initrdFiles({ is, modules }: DebianImage['initrd']): DebianImage['files'] {
  if (is === 'tiny') {
    const text = `AUTO_MODULES=no\nMICROCODE=no\nINCLUDE_MODULES=${modules.join(',')}\n`;
    return [{ path: '/etc/tiny-initramfs/tiny-initramfs.conf', mode: 0o644, text }];
  }
  const text = 'MODULES=list\nCOMPRESS=zstd\nCOMPRESSLEVEL=1\nRESUME=none\n';
  return [
    { path: '/etc/initramfs-tools/conf.d/cluster-lab', mode: 0o644, text },
    { path: '/usr/share/initramfs-tools/modules.d/cluster-lab', mode: 0o644, text: `${modules.join('\n')}\n` },
  ];
}

/**
 * Debian's own programs, whatever people put before them: mmdebstrap runs mmtarfilter(1), a script of Python, for each essential
 * package, and with a shim of pyenv's an image took half as long again (docs/benchmarks.md).
 */
const debianPath = 'PATH=/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The commands that build the image: mmdebstrap(1) into a directory, mke2fs(8) from the directory into a file. Nothing is
 * mounted. The image gets its name in the end; what a failed build left lies in `work`, with its log.
 * @param work a directory for the build alone; best on tmpfs, which halves the time
 * @param output the image; @param bytes its size, sparse
 * @param keep files of the built system to be copied out, as [path in it, path here]
 */
export function buildDebianImage(
  image: DebianImage,
  {
    work,
    output,
    bytes,
    keep = [],
  }: { work: string; output: string; bytes: number; keep?: readonly (readonly [string, string])[] },
): readonly Change[] {
  const root = `${work}/root`;
  const skeleton = `${work}/skeleton`;
  const own = [
    ...initrdFiles(image.initrd),
    { path: '/etc/modprobe.d/cluster-lab.conf', mode: 0o644, text: blacklist },
    ...image.files,
  ];
  const hooks = [
    `chroot "$1" systemctl disable ${[...idle, ...image.disable].join(' ')} || true`,
    `chroot "$1" systemctl mask ${[...masked, ...(image.mask ?? [])].join(' ')}`,
    ...(image.enable.length > 0 ? [`chroot "$1" systemctl enable ${image.enable.join(' ')}`] : []),
    // Each machine made from the image gets its own.
    'rm -f "$1"/etc/ssh/ssh_host_* && : > "$1"/etc/machine-id',
    ...(image.hooks ?? []),
  ];
  return [
    command(['rm', '-rf', '--one-file-system', work]),
    ...own.map(({ path, mode, text }) => file(skeleton + path, mode, text)),
    command(['chmod', '-R', 'u=rwX,go=rX', skeleton]),
    command(
      [
        'env',
        debianPath,
        'mmdebstrap',
        '--variant=minbase',
        `--logfile=${work}/mmdebstrap.log`,
        '--dpkgopt=force-unsafe-io',
        '--dpkgopt=force-confold',
        ...['man', 'doc', 'locale', 'info', 'lintian'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=APT::Install-Recommends "false"',
        `--include=${image.packages.join(',')}`,
        `--setup-hook=sync-in ${skeleton} /`,
        ...hooks.map((hook) => `--customize-hook=${hook}`),
        image.suite,
        root,
      ],
      { timeout: 1_800_000, why: `mmdebstrap ${image.suite} with ${image.packages.length} packages into ${root}` },
    ),
    command([
      'mke2fs',
      '-q',
      '-F',
      '-t',
      'ext4',
      '-E',
      'lazy_itable_init=1,lazy_journal_init=1',
      '-d',
      root,
      `${output}.new`,
      `${bytes / 1024}k`,
    ]),
    ...keep.map(([from, to]) => command(['cp', root + from, to])),
    command(['mv', '-T', `${output}.new`, output]),
    command(['rm', '-rf', '--one-file-system', work]),
  ];
}

/** Changes whenever anything about how an image is built changes: 16 hex digits. */
export function imageKey(image: DebianImage): string {
  const steps = buildDebianImage(image, { work: '/work', output: '/output', bytes: 0 });
  return createHash('sha256').update(steps.map(showable).join('\n')).digest('hex').slice(0, 16);
}
