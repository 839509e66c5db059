import type { Lab } from '../spec/lab.ts';
import { cman } from './cman.ts';
import { pacemaker } from './pacemaker.ts';
import type { Stack } from './stack.ts';

export type { Stack } from './stack.ts';

/** The stack that lab.yaml asks for. Which toolstack it goes with is said in spec/rules.ts, before anything runs. */
export function stackOf(lab: Lab): Stack {
  return lab.cluster.stack === 'cman' ? cman : pacemaker;
}
