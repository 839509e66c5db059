import { boot, cannotStart, powerOn } from './boot.ts';
import { type Domain, readDomain } from './domain-xml.ts';
import type { Running } from './state.ts';
import type { World } from './world.ts';

/** What libvirt keeps on dom0: the definitions, in its own directory (libvirt, driver libxl). */
const directory = '/etc/libvirt/libxl';
const fileOf = (name: string) => `${directory}/${name}.xml`;

/** The persistent definition of a domain. */
export function definition({ dom0 }: World, name: string): string | undefined {
  return dom0.tree.text(fileOf(name));
}

export function keepDefinition({ dom0 }: World, name: string, xml: string): void {
  dom0.tree.write(fileOf(name), xml, 0o600);
}

export function dropDefinition({ dom0 }: World, name: string): void {
  dom0.tree.remove(fileOf(name));
}

/** A domain that libvirt knows: it was defined, or started by it. */
export interface Known extends Domain {
  readonly running: Running | undefined;
}

export function known(world: World): readonly Known[] {
  const files = world.dom0.tree.list(directory)?.filter((file) => file.endsWith('.xml')) ?? [];
  const own = Object.entries(world.state.running).filter(([, { by }]) => by === 'libvirt');
  const running = new Map(own);
  const names = new Set([...files.map((file) => file.slice(0, -'.xml'.length)), ...running.keys()]);
  return [...names].sort().flatMap((name) => {
    const xml = definition(world, name) ?? running.get(name)?.xml;
    return xml === undefined ? [] : [{ ...readDomain(xml), running: running.get(name) }];
  });
}

/** Domain-0 is a domain too; this is its uuid. */
export const nil = '00000000-0000-0000-0000-000000000000';

/** All that libvirt, and so fence_virtd, knows. */
export function libvirtDomains(world: World): readonly { name: string; uuid: string; running: boolean }[] {
  const guests = known(world).map(({ name, uuid, running }) => ({ name, uuid, running: running !== undefined }));
  return [{ name: 'Domain-0', uuid: nil, running: true }, ...guests];
}

/**
 * Starts a defined domain. Killed midway, it exists and is paused: libxl builds it so, and unpauses it in the end.
 * @returns whether it runs
 */
export function start(world: World, name: string, midway: () => void = () => {}): boolean {
  const xml = definition(world, name);
  if (xml === undefined || world.state.running[name] || cannotStart(world, xml) !== undefined) return false;
  const fresh = powerOn(world, name, { by: 'libvirt', xml });
  fresh.state = 'paused';
  world.save();
  midway();
  fresh.state = 'running';
  boot(world, name);
  return true;
}

/** What fence_virtd has libvirt do (fence-agents, agents/virt/server/libvirt.c). @returns whether it was done */
export function fence(world: World, name: string, operation: string): boolean {
  const wasRunning = world.state.running[name] !== undefined;
  if (operation !== 'on') delete world.state.running[name];
  if (operation === 'off' || (operation === 'reboot' && !wasRunning)) return true;
  return start(world, name);
}
