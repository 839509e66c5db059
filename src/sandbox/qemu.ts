import { howeverItEnds } from '../hosts/read-only.ts';
import type { Argv, Reader } from '../model/host.ts';
import type { BuiltDom0 } from './dom0-image.ts';
import type { SandboxPaths } from './paths.ts';

/** Memory of the sandbox's dom0 (MiB). */
const dom0Memory = 2048;

/** Memory of the machine (MiB): dom0, the guests, Xen. */
export function memoryOf(guestMemory: number): number {
  return dom0Memory + Math.max(guestMemory, 2048) + 1024;
}

/** The files of one machine. */
type MachinePaths = Pick<SandboxPaths, 'dom0Disk' | 'guestsDisk' | 'seedTar' | 'serial' | 'monitor' | 'pid'>;

/**
 * The command that starts the dom0. Every setting was tried (docs/decisions): without KVM Westmere is the newest CPU model on
 * which Xen, libvirt and the guests all work, and `monitor` must go, or Xen panics.
 * QEMU detaches itself: the sandbox outlives the command. It listens on loopback only, and the guests cannot leave the box. A Xen
 * that panics reboots, which ends QEMU.
 */
export function qemu(
  paths: MachinePaths,
  built: BuiltDom0,
  { port, guestMemory, kvm }: { port?: number; guestMemory: number; kvm: boolean },
): Argv {
  const forward = port === undefined ? '' : `,hostfwd=tcp:127.0.0.1:${port}-:22`;
  const disk = (path: string) => ['-drive', `file=${path},if=virtio,format=qcow2,cache=unsafe,discard=unmap`];
  const accelerator = kvm
    ? ['-accel', 'kvm', '-cpu', 'host']
    : ['-accel', 'tcg,thread=multi,tb-size=1024', '-cpu', 'Westmere,-monitor'];
  return [
    'qemu-system-x86_64',
    ...['-machine', 'q35', ...accelerator, '-smp', '2', '-m', String(memoryOf(guestMemory))],
    ...multiboot(
      built,
      `dom0_mem=${dom0Memory}M,max:${dom0Memory}M loglvl=warning ucode=no spec-ctrl=no bootscrub=no smt=1 dom0_max_vcpus=2`,
      'root=/dev/vda rw console=hvc0 net.ifnames=0 mitigations=off cryptomgr.notests',
    ),
    ...disk(paths.dom0Disk),
    ...disk(paths.guestsDisk),
    ...['-drive', `file=${paths.seedTar},if=virtio,format=raw,readonly=on`],
    ...['-netdev', `user,id=n0,restrict=on${forward}`, '-device', 'virtio-net-pci,netdev=n0'],
    ...['-device', 'virtio-rng-pci'],
    ...['-display', 'none', '-serial', `file:${paths.serial}`, '-monitor', `unix:${paths.monitor},server,nowait`],
    ...['-no-reboot', '-daemonize', '-pidfile', paths.pid],
  ];
}

/** The process id of the QEMU with this pid file; undefined if it does not run. A stale pid file, or a pid used again, is seen through. */
export async function runningPid(local: Reader, paths: Pick<SandboxPaths, 'pid'>): Promise<number | undefined> {
  const pid = Number(new TextDecoder().decode(await local.readFile(paths.pid)).trim());
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const line = await local.readFile(`/proc/${pid}/cmdline`);
  return line && new TextDecoder().decode(line).split('\0').includes(paths.pid) ? pid : undefined;
}

/** What boots: Xen, the kernel of dom0, and the words for both. */
function multiboot(built: BuiltDom0, xen: string, linux: string): readonly string[] {
  return [
    '-kernel',
    built.xen,
    '-append',
    `${xen} com1=115200,8n1 console=com1`,
    '-initrd',
    `${built.kernel} ${linux},${built.initrd}`,
  ];
}

/** How long Xen may take to start Linux on a KVM that works (s). It takes a tenth of that. */
const kvmPatience = 20;

/**
 * Whether KVM really works: /dev/kvm may be there with nothing usable behind it, and QEMU then runs and gets nowhere. So Xen
 * is started on it, without any disk, until dom0's kernel says its name on the console. However QEMU ends, what it printed is the
 * answer: where the host refuses one of the CPU's registers, it aborts.
 */
export async function kvmWorks(local: Reader, built: BuiltDom0): Promise<boolean> {
  if (!(await local.stat('/dev/kvm'))) return false;
  const tried = howeverItEnds([
    ...(['timeout', String(kvmPatience), 'qemu-system-x86_64'] as const),
    ...['-accel', 'kvm', '-cpu', 'host', '-machine', 'q35'],
    ...['-m', '1024', ...multiboot(built, 'dom0_mem=512M', 'console=hvc0 panic=1')],
    ...['-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-no-reboot'],
  ]);
  const { stdout } = await local.read(tried);
  return stdout.includes('Linux version');
}
