import { readDomain } from './domain-xml.ts';
import { logEntry } from './journal.ts';
import type { Running } from './state.ts';
import { startEnabled } from './units.ts';
import type { Machine, World } from './world.ts';

/** Memory of the simulated machine in MiB, and what dom0 and Xen take of it (facts/real-dom0.md). */
const totalMemory = 8192;
const taken = 3072 + 230;

export function freeMemory({ state }: World): number {
  const guests = Object.values(state.running).map(({ xml }) => readDomain(xml).maxMemoryKiB / 1024 + 2);
  return Math.floor(guests.reduce((free, memory) => free - memory, totalMemory - taken));
}

/** Why libxl could not make a domain; undefined if it can. libvirt says none of this, only that libxenlight failed. */
export function cannotStart(world: World, xml: string): string | undefined {
  const { disks, cards, maxMemoryKiB, bootloader, vcpus } = readDomain(xml);
  const { tree } = world.dom0;
  const [first, ...others] = disks;
  const absent = disks.find((disk) => !tree.has(disk));
  if (absent !== undefined) return `failed to stat: ${absent}: No such file or directory`;
  if (maxMemoryKiB / 1024 > freeMemory(world)) return 'failed to free memory for the domain';
  if (vcpus < 1) return 'no vcpus';
  const bridge = cards.find((card) => !tree.has(`/sys/class/net/${card.bridge}/bridge`))?.bridge;
  if (bridge !== undefined) return `vif-bridge: bridge ${bridge} does not exist`;
  if (first === undefined || !/^(\/.*\/)?pygrub$/.test(bootloader)) return 'no kernel: neither a bootloader nor a disk';
  if ([first, ...others].some((disk) => world.state.loops.some(({ image, at }) => image === disk && at !== undefined)))
    return `${first} is mounted in the privileged domain`;
  return pygrub(world, first);
}

/** pygrub reads the boot menu in the image and takes kernel and initrd out of it. */
function pygrub(world: World, image: string): string | undefined {
  const guest = world.guest('', { services: {}, loaded: {} } as unknown as Running, image);
  if (!guest) return 'bootloader failed: could not find a partition with a kernel';
  const menu = ['/boot/grub/grub.cfg', '/boot/grub/menu.lst'].map((path) => guest.tree.text(path)).find(Boolean);
  if (menu === undefined) return 'bootloader failed: RuntimeError: Unable to find partition containing kernel';
  const kernel = /^\s*(?:linux|kernel)\s+(\S+)/m.exec(menu)?.[1];
  const initrd = /^\s*initrd\s+(\S+)/m.exec(menu)?.[1];
  const missing = [kernel ?? '(no kernel line)', initrd].find((path) => path !== undefined && !guest.tree.has(path));
  return missing === undefined ? undefined : `bootloader failed: ${missing} is not there`;
}

/** The domain runs, and begins to boot. */
export function powerOn(world: World, name: string, made: Pick<Running, 'by' | 'xml'>): Running {
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

/** What systemd starts when the guest boots, and what the console shows of it. */
export function boot(world: World, name: string): void {
  const running = world.state.running[name];
  if (!running) return;
  running.since = Date.now();
  const guest = world.guest(name, running, readDomain(running.xml).disks[0]);
  if (!guest) return;
  startEnabled(world, guest);
  const host = guest.tree.text('/etc/hostname')?.trim() || 'localhost';
  const console = `Loading Linux 6.1.0-41-amd64 ...\nLoading initial ramdisk ...\n\nDebian GNU/Linux 12 ${host} hvc0\n\n${host} login: `;
  world.dom0.tree.write(`/var/log/xen/console/guest-${name}.log`, console, 0o640);
  logEntry(world, 'dom0', 'libvirtd', 'libvirtd[812]', `Domain ${name} started`);
}

/** How far a guest has come since it was started: in this order, facts/real-dom0.md, each in a part of the boot time. */
export function bootLayer(world: World, running: Running): 'kernel' | 'network' | 'sshd' | 'booted' {
  if (running.state !== 'running' || running.stopping !== undefined) return 'kernel';
  const elapsed = world.elapsed(running.since);
  return elapsed < 0.4 ? 'kernel' : elapsed < 0.6 ? 'network' : elapsed < 1 ? 'sshd' : 'booted';
}

export interface Card {
  readonly device: string;
  readonly mac: string;
  readonly bridge: string;
  /** `192.168.77.11/24`, if systemd-networkd was told one for this MAC (systemd.network(5)). */
  readonly address: string | undefined;
}

/** The network cards of a guest. An address comes from a .network file that matches the card's MAC, or names it. */
export function cardsOf({ tree, running, state }: Machine): readonly Card[] {
  if (!running) return [];
  const networkd = state.services['systemd-networkd'];
  const directory = '/etc/systemd/network';
  const files = (tree.list(directory) ?? []).filter((name) => name.endsWith('.network'));
  const texts = networkd ? files.map((name) => tree.text(`${directory}/${name}`) ?? '') : [];
  return readDomain(running.xml).cards.map(({ mac, bridge }, n) => {
    const device = `eth${n}`;
    const own = texts.find((text) => {
      const macs = /^MACAddress=(.*)$/m.exec(text)?.[1]?.toLowerCase().split(/\s+/);
      const name = /^Name=(.*)$/m.exec(text)?.[1];
      return macs ? macs.includes(mac) : name === device || name === 'en* eth*';
    });
    return { device, mac, bridge, address: own && /^Address=(\S+)$/m.exec(own)?.[1] };
  });
}

/** The guests whose domains run, and whose disks have a file system. */
export function guestsOf(world: World): readonly Machine[] {
  return Object.entries(world.state.running).flatMap(([name, running]) => {
    const guest = world.guest(name, running, readDomain(running.xml).disks[0]);
    return guest ? [guest] : [];
  });
}
