import { fencingHostOf } from '../src/fencing/index.ts';
import type { Chapter, Node } from '../src/model/step.ts';
import type { Lab } from '../src/spec/lab.ts';

/** "On domain-0, start the cluster software": the daemon there that powers guests off when another guest asks with the right key. */
export function theFencingHost(lab: Lab, after: readonly Node[], defined: readonly Node[]): Chapter {
  return { id: '7', title: 'The fencing host', nodes: fencingHostOf(lab).steps(lab, after, defined) };
}
