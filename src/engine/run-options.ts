import type { FileChange } from '../model/change.ts';
import type { Emit } from '../model/event.ts';
import type { Hosts } from '../model/host.ts';
import type { Chapter, Evidence, Trial } from '../model/step.ts';
import type { Fault } from './fault.ts';
import type { Journal } from './journal.ts';
import type { Foresight, Proofs } from './plan.ts';

/** What a run, or a dry-run, is told. */
export interface RunOptions {
  readonly lab: string;
  readonly where: string;
  readonly chapters: readonly Chapter[];
  readonly hosts: Hosts;
  readonly journal: Journal;
  /** Where earlier evidence is looked for: the journal, or nowhere. */
  readonly proofs: Proofs;
  readonly emit: Emit;
  /** How slow this machine is against the reference: time-outs are multiplied by it. Asked when needed: it may be measured in the run. */
  readonly slowness: () => Promise<number>;
  /** How long to wait before the world is looked at again, at first (ms; default 250); grows to twelve times that, times the slowness. */
  readonly pause?: number;
  readonly fault?: Fault | undefined;
  /** Aborted: what is under way ends, nothing new begins. Its reason, a LabError, is what the run ends with. */
  readonly signal?: AbortSignal;
  /** Aborted: what is under way is broken off; a trial puts right what it changed, and ends. */
  readonly broken?: AbortSignal;
  readonly foresee?: Foresight;
  /** Asked about a trial that failed: the evidence, with the cause in it if one was found. */
  readonly explain?: (trial: Trial, evidence: Evidence) => Promise<Evidence>;
  /**
   * Asked once, after the plan and before anything is touched, about files that somebody edited by hand. Unsaid: no.
   * What it needs the terminal for comes before the first event.
   */
  readonly consent?: (edited: readonly FileChange[]) => Promise<boolean>;
  /** Asked before a change that destroys something which the plan did not show. */
  readonly approve?: (what: string) => Promise<boolean>;
}
