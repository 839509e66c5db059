import type { Lab } from '../spec/lab.ts';
import { debian } from './debian.ts';
import { redHat } from './red-hat.ts';
import type { GuestSystem } from './system.ts';

export type { GuestSystem } from './system.ts';

/** The guests' system follows from their stack: cman lives on Red Hat's, pacemaker's image is Debian's. */
export function systemOf(lab: Lab): GuestSystem {
  return lab.cluster.stack === 'cman' ? redHat : debian;
}
