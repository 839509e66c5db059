import type { Chapter } from '../src/model/step.ts';
import { type Lab, leavingOf } from '../src/spec/lab.ts';
import { stackOf } from '../src/stacks/index.ts';
import { toolstackOf } from '../src/toolstacks/index.ts';

/**
 * Stops the lab, fence-safely: the cluster software on all guests first, so that nobody fences a guest for leaving, and then
 * the guests.
 */
export function down(lab: Lab): Chapter {
  const toolstack = toolstackOf(lab);
  const all = [...lab.guests, ...leavingOf(lab)];
  const cluster = stackOf(lab).stop({ guests: all }, toolstack);
  const guests = all.map((guest) => toolstack.stop(lab, guest, cluster));
  return { id: 'down', title: 'Stop the guests', nodes: [...cluster, ...guests] };
}
