import { randomUUID } from 'node:crypto';
import { readDomain } from './domain-xml.ts';
import { logEntry } from './journal.ts';
import { bootRedHat } from './red-hat/boot.ts';
import { isRedHat } from './red-hat/release.ts';
import type { Running } from './state.ts';
import { startEnabled } from './units.ts';
import type { World } from './world.ts';

/** Memory of the simulated machine in MiB, and what dom0 and Xen take of it (facts/real-dom0.md). */
const totalMemory = 8192;
const taken = 3072 + 230;

export function freeMemory({ state, trouble }: World): number {
  const guests = Object.values(state.running).map(({ xml }) => readDomain(xml).maxMemoryKiB / 1024 + 2);
  return Math.floor(guests.reduce((free, memory) => free - memory, trouble.memory ?? totalMemory - taken));
}

/** Why libxl could not make a domain; undefined if it can. libvirt says none of this, only that libxenlight failed. */
export function cannotStart(world: World, xml: string): string | undefined {
  const { name, hardware, maxMemoryKiB, bootloader, vcpus } = readDomain(xml);
  const { disks, cards } = hardware;
  const { tree } = world.dom0;
  const [first, ...others] = disks;
  const absent = disks.find((disk) => !tree.has(disk));
  if (absent !== undefined) return `failed to stat: ${absent}: No such file or directory`;
  if (maxMemoryKiB / 1024 > freeMemory(world) || world.trouble.guests?.[name] === 'no-memory')
    return 'failed to free memory for the domain';
  if (vcpus < 1) return 'no vcpus';
  const bridge = cards.find((card) => !tree.has(`/sys/class/net/${card.bridge}/bridge`))?.bridge;
  if (bridge !== undefined) return `vif-bridge: bridge ${bridge} does not exist`;
  if (first === undefined || !/^(\/.*\/)?pygrub$/.test(bootloader)) return 'no kernel: neither a bootloader nor a disk';
  if ([first, ...others].some((disk) => world.state.loops.some(({ image, at }) => image === disk && at !== undefined)))
    return `${first} is mounted in the privileged domain`;
  return pygrub(world, first);
}

/** pygrub reads the boot menu in the image and takes kernel and initrd out of it. On a /boot of its own paths begin there. */
export function pygrub(world: World, image: string): string | undefined {
  const guest = world.guest('', { services: {}, loaded: {} } as unknown as Running, image);
  if (!guest) return 'bootloader failed: could not find a partition with a kernel';
  const menu = ['/boot/grub/grub.cfg', '/boot/grub/menu.lst'].map((path) => guest.tree.text(path)).find(Boolean);
  if (menu === undefined) return 'bootloader failed: RuntimeError: Unable to find partition containing kernel';
  const kernel = /^\s*(?:linux|kernel)\s+(\S+)/m.exec(menu)?.[1];
  const initrd = /^\s*initrd\s+(\S+)/m.exec(menu)?.[1];
  const prefix = world.images.layoutOf(image) === 'lvm' ? '/boot' : '';
  const missing = [kernel ?? '(no kernel line)', initrd].find(
    (path) => path !== undefined && !guest.tree.has(prefix + path),
  );
  return missing === undefined ? undefined : `bootloader failed: ${missing} is not there`;
}

/** The domain runs, and begins to boot. */
export function powerOn(world: World, name: string, made: Pick<Running, 'by' | 'xml' | 'xm' | 'installs'>): Running {
  const { state } = world;
  state.lastDomainId++;
  const running: Running = {
    ...made,
    id: state.lastDomainId,
    state: 'running',
    since: Date.now(),
    services: {},
    loaded: {},
  };
  state.running[name] = running;
  return running;
}

/**
 * What init starts when the guest boots, and what the console shows of it.
 * @param at when it began, by this computer's clock in milliseconds
 */
export function boot(world: World, name: string, at = Date.now()): void {
  const running = world.state.running[name];
  if (!running) return;
  running.since = at;
  const guest = world.guest(name, running, readDomain(running.xml).hardware.disks[0]);
  if (!guest) return;
  if (world.changing) guest.tree.write('/proc/sys/kernel/random/boot_id', `${randomUUID()}\n`, 0o444);
  if (isRedHat(guest.tree)) {
    const shown = bootRedHat(world, guest);
    if (world.changing) world.dom0.tree.write(`/var/log/xen/console/guest-${name}.log`, shown, 0o640);
    return;
  }
  // systemd-modules-load(8). /dev is made at each boot.
  const modules = (guest.tree.list('/etc/modules-load.d') ?? []).flatMap(
    (file) => guest.tree.text(`/etc/modules-load.d/${file}`)?.split('\n') ?? [],
  );
  if (modules.includes('softdog')) guest.tree.write('/dev/watchdog', '', 0o600);
  else guest.tree.remove('/dev/watchdog');
  startEnabled(world, guest);
  const host = guest.tree.text('/etc/hostname')?.trim() || 'localhost';
  const trouble = world.trouble.guests?.[name];
  const loading = 'Loading Linux 6.1.0-41-amd64 ...\nLoading initial ramdisk ...\n';
  const login = `\nDebian GNU/Linux 12 ${host} hvc0\n\n${host} login: `;
  const panic = '[    1.204411] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(202,0)\n';
  const console = loading + (trouble === 'panics' ? panic : trouble === 'never-boots' ? '' : login);
  world.dom0.tree.write(`/var/log/xen/console/guest-${name}.log`, console, 0o640);
  logEntry(world, 'dom0', 'libvirtd', 'libvirtd[812]', `Domain ${name} started`);
}
