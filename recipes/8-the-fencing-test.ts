import type { Chapter, Node } from '../src/model/step.ts';
import type { Lab } from '../src/spec/lab.ts';
import { fencingTrial } from '../src/steps/fencing-trial.ts';

/** "Run a test to see if [dom0] gets the request and processes it from one of the domUs": from each guest, at the next. */
export function theFencingTest(lab: Lab, after: readonly Node[]): Chapter {
  const nodes = lab.guests.map((from, n) => {
    const at = lab.guests[(n + 1) % lab.guests.length] ?? from;
    return fencingTrial(
      {
        id: `8.${from.name}-at-${at.name}`,
        title: `Aim from ${from.name} at ${at.name}`,
        section: 'Setting up the cluster 4',
        on: from.name,
        after,
      },
      lab,
      from,
      at,
    );
  });
  return { id: '8', title: 'The fencing test', nodes };
}
