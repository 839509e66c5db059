import type { Chapter, Node } from '../src/model/step.ts';
import type { Lab } from '../src/spec/lab.ts';
import { randomKey } from '../src/steps/keys.ts';

/** "Now, we need to create a key file which we will give to the guests." */
export function theFencingKey(lab: Lab, after: readonly Node[]): Chapter {
  const key = randomKey(
    { id: '1.key', title: 'Make the fencing key', section: 'Before you Begin', on: 'dom0', after },
    { path: lab.fencing.key, bytes: 4096, mode: 0o600, owner: lab },
  );
  return { id: '1', title: 'The fencing key', nodes: [key] };
}
