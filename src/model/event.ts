import type { Change } from './change.ts';
import type { HostName } from './host.ts';
import type { Evidence, StepId } from './step.ts';

/** What a reporter is told about a node when it is first named. */
export interface NodeInfo {
  readonly id: StepId;
  readonly chapter: string;
  readonly title: string;
  readonly host: HostName;
}

/** A node as the outline names it. */
export interface OutlinedNode extends NodeInfo {
  /** What has to end before it begins, if the run holds that. */
  readonly after: readonly (StepId | readonly StepId[])[];
}

/** A failure as data. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly detail?: readonly string[];
}

/** The end of a node. `changes`: those made (up), or missing (dry-run). */
export interface StepEvent extends NodeInfo {
  readonly event: 'step';
  readonly verdict: 'met' | 'change' | 'later' | 'failed';
  readonly changes: readonly Change[];
  readonly ms: number;
  readonly waitsFor?: string;
  readonly failure?: Failure;
  readonly evidence?: Evidence;
}

export interface SummaryEvent {
  readonly event: 'summary';
  readonly met: number;
  readonly changed: number;
  readonly later: number;
  readonly failed: number;
}

/** Everything the engine says. Reporters are interchangeable; none of them does work. */
export type Event =
  | {
      readonly event: 'outline';
      readonly lab: string;
      readonly where: string;
      readonly dryRun: boolean;
      readonly chapters: readonly { id: string; title: string; nodes: readonly OutlinedNode[] }[];
    }
  | ({ readonly event: 'started' } & NodeInfo)
  /** Something is under way in a node: a change begun, bytes copied, a wait. */
  | { readonly event: 'doing'; readonly id: StepId; readonly says: string }
  | StepEvent
  | SummaryEvent;

export type Emit = (event: Event) => void;
