import type { Lab } from '../spec/lab.ts';
import { libvirt } from './libvirt.ts';
import type { Toolstack } from './toolstack.ts';
import { xm } from './xm.ts';

export type { Toolstack } from './toolstack.ts';

/** The toolstack that lab.yaml asks for. Which stack it goes with is said in spec/rules.ts, before anything runs. */
export function toolstackOf(lab: Lab): Toolstack {
  return lab.toolstack === 'xm' ? xm : libvirt;
}
