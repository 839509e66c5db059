import { readDomain } from '../domain-xml.ts';
import type { Running } from '../state.ts';
import type { World } from '../world.ts';

/** The domains that xend knows besides Domain-0, by name. */
export function domainsOf({ state }: World): readonly { name: string; uuid: string; running: Running }[] {
  return Object.entries(state.running)
    .map(([name, running]) => ({ name, uuid: readDomain(running.xml).uuid, running }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
