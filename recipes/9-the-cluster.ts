import type { Chapter, Node } from '../src/model/step.ts';
import type { Lab } from '../src/spec/lab.ts';
import { stackOf } from '../src/stacks/index.ts';

/** "Start the cluster software in the Xen guests." On all of them together, so that nobody is fenced for being late. */
export function theCluster(lab: Lab, after: readonly Node[]): Chapter {
  return { id: '9', title: 'The cluster', nodes: stackOf(lab).start(lab, after) };
}
