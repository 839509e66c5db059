export { SimulatedHosts } from './hosts.ts';
export { type SeedOptions, seedSimulated } from './seed.ts';
export type { SimulatedGuest, SimulatedOptions } from './world.ts';
