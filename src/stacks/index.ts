import type { Lab } from '../spec/lab.ts';
import { pacemaker } from './pacemaker.ts';
import type { Stack } from './stack.ts';

export type { Stack } from './stack.ts';

/** The stack that lab.yaml asks for. Which are there is said in spec/rules.ts, before anything runs. */
export function stackOf(_lab: Lab): Stack {
  return pacemaker;
}
