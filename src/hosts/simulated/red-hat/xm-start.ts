import { boot, freeMemory, powerOn, pygrub } from '../boot.ts';
import { readDomain } from '../domain-xml.ts';
import type { Running } from '../state.ts';
import type { World } from '../world.ts';
import type { XmConfig } from './xm-config.ts';

/** Numbers of Xen's block devices: xvda is 51712, each next one 16 more; hda is 768. */
export function deviceNumber(dev: string): number {
  const [, kind, letter = 'a', part = '0'] = /^(xvd|hd|sd)([a-z])(\d*)$/.exec(dev) ?? [];
  const n = letter.charCodeAt(0) - 97;
  const base = kind === 'hd' ? 768 + 64 * n : kind === 'sd' ? 2048 + 16 * n : 51_712 + 16 * n;
  return base + Number(part || 0);
}

type Wanted = Pick<XmConfig, 'disks' | 'cards' | 'memory' | 'bootloader' | 'name' | 'xml'>;

/**
 * Why xend cannot make a domain, in its words; undefined if it can. Stricter than xend in one thing: a file that is mounted on
 * dom0, or written by another domain without `w!`, is refused with `tap:aio:` too, where the real one would let it be ruined.
 */
export function cannotCreate(world: World, { disks, cards, memory, bootloader, xml }: Wanted): string | undefined {
  const { tree } = world.dom0;
  const [root] = disks;
  const same = Object.entries(world.state.running).find(
    ([, { xml: other }]) => readDomain(other).uuid === readDomain(xml).uuid,
  );
  if (same) return `Domain '${same[0]}' already exists with ID '${same[1].id}'`;
  if (!root || !tree.has(root.path)) return "Disk isn't accessible";
  if (!/^(\/.*\/)?pygrub$/.test(bootloader) || pygrub(world, root.path) !== undefined)
    return "Boot loader didn't return any data!";
  if (memory > freeMemory(world)) return "(12, 'Cannot allocate memory')";
  for (const { path, dev, mode, uname } of disks) {
    const where = `Device ${deviceNumber(dev)} (${uname.startsWith('tap:') ? 'tap' : 'vbd'}) could not be connected.`;
    if (!tree.has(path)) return `${where} ${path} does not exist.`;
    const loop = world.state.loops.find(({ image }) => image === path);
    const mounted = `File ${path} is loopback-mounted through /dev/loop${loop?.number}`;
    if (loop)
      return `${where}\n${mounted},\nwhich is mounted in the privileged domain,\nand so cannot be mounted by a guest.`;
    const writer = Object.values(world.state.running).find((other) => writes(other, path));
    if (writer && !mode.endsWith('!'))
      return `${where}\nFile ${path} is in use,\nand is mounted in a guest domain,\nand so cannot be mounted now.`;
  }
  const card = cards.findIndex(({ bridge }) => !tree.has(`/sys/class/net/${bridge}/bridge`));
  return card < 0
    ? undefined
    : `Device ${card} (vif) could not be connected. Could not find bridge device ${cards[card]?.bridge}`;
}

const writes = ({ xml }: Running, path: string) => readDomain(xml).hardware.disks.includes(path);

/** Makes a domain that can be made. Killed midway, it exists and is paused: xend builds it so, and unpauses it in the end. */
export function createDomain(world: World, config: XmConfig, midway: () => void): void {
  const { disks, cards, lifecycle, name, xml } = config;
  const fresh = powerOn(world, name, { by: 'xm', xml, xm: { disks, cards, lifecycle } });
  fresh.state = 'paused';
  fresh.since = 0;
  world.save();
  midway();
  fresh.state = 'running';
  boot(world, name);
}

/** What fence_xvmd does with a domain of xend's: destroys it, and makes it again as it was. @returns whether it was done */
export function fenceDomain(world: World, name: string, operation: string, at = Date.now()): boolean {
  const running = world.state.running[name];
  if (!running?.xm) return false;
  delete world.state.running[name];
  if (operation === 'off') return true;
  const { maxMemoryKiB, bootloader } = readDomain(running.xml);
  const config = { ...running.xm, name, xml: running.xml, memory: maxMemoryKiB / 1024, bootloader };
  if (cannotCreate(world, config) !== undefined) return false;
  powerOn(world, name, { by: 'xm', xml: running.xml, xm: running.xm });
  boot(world, name, at);
  return true;
}
