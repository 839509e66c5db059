import type { Change } from '../model/change.ts';
import type { Look, Node, Trial } from '../model/step.ts';
import type { Lab } from '../spec/lab.ts';

/** The daemon on dom0 that powers guests off when another guest asks with the right key: the seam between fence_virtd and fence_xvmd. */
export interface FencingHost {
  /** Packages on dom0. */
  readonly packages: readonly string[];
  /** Files that it writes on dom0. */
  files(lab: Lab): readonly string[];
  /** Chapter 7: configures and starts it. `defined`: what makes the guests known to it. */
  steps(lab: Lab, after: readonly Node[], defined: readonly Node[]): readonly Node[];
  /** Chapter 8: from each guest, aimed at the next. */
  trials(lab: Lab, after: readonly Node[]): readonly Trial[];
  /** Stops it and removes its configuration, as far as it is this lab's. */
  forget(look: Look, lab: Lab): Promise<readonly Change[]>;
}
