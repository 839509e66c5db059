import type { Lab } from '../spec/lab.ts';
import { libvirt } from './libvirt.ts';
import type { Toolstack } from './toolstack.ts';

export type { Toolstack } from './toolstack.ts';

/** The toolstack that lab.yaml asks for. Which are there is said in spec/rules.ts, before anything runs. */
export function toolstackOf(_lab: Lab): Toolstack {
  return libvirt;
}
