import { fencingHostOf } from '../src/fencing/index.ts';
import type { Chapter, Node } from '../src/model/step.ts';
import type { Lab } from '../src/spec/lab.ts';

/** "Run a test to see if [dom0] gets the request and processes it from one of the domUs": from each guest, at the next. */
export function theFencingTest(lab: Lab, after: readonly Node[]): Chapter {
  return { id: '8', title: 'The fencing test', nodes: fencingHostOf(lab).trials(lab, after) };
}
