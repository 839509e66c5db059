import { wait } from '../model/change.ts';
import { Refused } from '../model/errors.ts';
import type { Look, Step } from '../model/step.ts';
import type { Placed } from './file-content.ts';

/** What is wrong, and what to do. */
export interface Broken {
  readonly says: string;
  readonly hint: string;
}

/**
 * What must hold and what lab must not mend by itself. `broken` says what is wrong and what to do; undefined: all is well.
 */
export function requirement(placed: Placed, broken: (look: Look) => Promise<Broken | undefined>): Step {
  return {
    kind: 'step',
    ...placed,
    async check(look) {
      const found = await broken(look);
      if (found) throw new Refused(found.says, found.hint);
      return [];
    },
  };
}

/** A state that comes by itself, if it is waited for: nothing is changed. `missing` says what is not so yet. */
export function awaited(
  placed: Placed,
  settle: NonNullable<Step['settle']>,
  missing: (look: Look) => Promise<string | undefined>,
): Step {
  return {
    kind: 'step',
    ...placed,
    settle,
    async check(look) {
      const says = await missing(look);
      return says === undefined ? [] : [wait(`wait: ${says}`)];
    },
  };
}
