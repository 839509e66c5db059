import { readDomain } from './domain-xml.ts';
import { redHatCards } from './red-hat/ifcfg.ts';
import { isRedHat } from './red-hat/release.ts';
import type { Running } from './state.ts';
import { troubleOf } from './trouble.ts';
import type { Machine, World } from './world.ts';

/** How far a guest has come since it was started: in this order, facts/real-dom0.md, each in a part of the boot time. */
export function bootLayer(world: World, running: Running): 'kernel' | 'network' | 'sshd' | 'booted' {
  if (running.state !== 'running' || running.stopping !== undefined) return 'kernel';
  if (troubleOf(world, running) !== undefined) return 'kernel';
  const elapsed = world.elapsed(running.since);
  return elapsed < 0.4 ? 'kernel' : elapsed < 0.6 ? 'network' : elapsed < 1 ? 'sshd' : 'booted';
}

export interface Card {
  readonly device: string;
  readonly mac: string;
  readonly bridge: string;
  /** `192.168.77.11/24`, if systemd-networkd was told one for this MAC (systemd.network(5)), or RHEL's ifcfg file has one. */
  readonly address: string | undefined;
}

/** The network cards of a guest. An address comes from a .network file that matches the card's MAC, or names it. */
export function cardsOf({ tree, running, state }: Machine): readonly Card[] {
  if (!running) return [];
  if (isRedHat(tree))
    return redHatCards(tree, readDomain(running.xml).hardware.cards, state.services.network !== undefined);
  const networkd = state.services['systemd-networkd'];
  const directory = '/etc/systemd/network';
  const files = (tree.list(directory) ?? []).filter((name) => name.endsWith('.network'));
  const texts = networkd ? files.map((name) => tree.text(`${directory}/${name}`) ?? '') : [];
  return readDomain(running.xml).hardware.cards.map(({ mac, bridge }, n) => {
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
  return world.once(world.state, 'guests', () =>
    Object.entries(world.state.running).flatMap(([name, running]) => {
      const guest = world.guest(name, running, readDomain(running.xml).hardware.disks[0]);
      return guest ? [guest] : [];
    }),
  );
}

/** The image behind a disk of a guest: `/dev/xvdc`. */
export function imageOf({ running }: Machine, device: string): string | undefined {
  const name = device.replace(/^\/dev\//, '');
  if (running?.xm) return running.xm.disks.find(({ dev }) => dev === name)?.path;
  return running && readDomain(running.xml).hardware.images[name];
}
