import type { Change } from './change.ts';
import type { Host, HostName, Reader } from './host.ts';

export type StepId = string;

/** What a step may look at. */
export interface Look {
  /** The step's own host. */
  readonly host: Reader;
  /** Another host; its methods throw NotYet while it is not there. */
  on(name: HostName): Reader;
  /** The value of another step, read from the world. @throws NotYet */
  get<T>(step: Step<T>): Promise<T>;
}

/** How long the world may take to agree after the changes. */
export interface Settle {
  /** Milliseconds on the reference machine; scaled by the measured slowness of this one. */
  readonly within: number;
  /** How often the changes are made again, if the check asks for them again while it is awaited; default 0. */
  readonly repeats?: number;
  /** What the changes start lasts: if the check asks for them more often than `repeats`, it ended, and is not awaited any longer. */
  readonly lasts?: boolean;
  /** What to do if it never does. */
  readonly hint: string;
  /** What can be seen of it right now, in a few words: shown while waiting. */
  state?(look: Look): Promise<string>;
  /** The longest pause between two looks (ms), where they cost what is awaited next to nothing. */
  readonly pause?: number;
  /** A look that lasts until it may be so, 20 s at most, instead of a pause. False: there is nothing to be watched yet. */
  watch?(look: Look): Promise<boolean>;
  /** Lines that tell why it did not settle: the layer it hangs in, the last console lines. */
  diagnose?(look: Look): Promise<readonly string[]>;
}

/** Nodes that come before others. A long list that many share stands in theirs as one: `flat()` gives the nodes. */
export type Before = readonly (Node | readonly Node[])[];

/** What both kinds of work share. */
interface Work {
  /** `chapter.name`, e.g. `4.clone-molly`; unique in a lab. */
  readonly id: StepId;
  /** The imperative on the screen: "Clone the image for molly". */
  readonly title: string;
  /** Where the document says it. */
  readonly section: string;
  readonly on: HostName;
  readonly after: Before;
}

/** A state the world should be in. */
export interface Step<T = void> extends Work {
  readonly kind: 'step';
  /** The changes still missing; [] means the world agrees. Must not depend on anything but what it reads. */
  check(look: Look): Promise<readonly Change[]>;
  readonly settle?: Settle;
  /** What it will change on a host as the recipes leave it, where that is certain: shown while the host is not there. */
  readonly foreseen?: readonly Change[];
  /** Steps of the same word wait for each other while they work: not even a run that does one thing at a time may part them. */
  readonly together?: string;
  /** Made by the changes of this step, the host is there: what is on it can be looked at afterwards. */
  readonly provides?: HostName;
  /** Re-read from the world, never stored. @throws NotYet */
  value?(look: Look): Promise<T>;
}

/** What an experiment showed. */
export interface Evidence {
  readonly passed: boolean;
  /** The first layer that did not hold, if it failed. */
  readonly layer?: string;
  /** One sentence. */
  readonly says: string;
  readonly hint?: string;
  /** Figures: names that end in Ms are milliseconds. */
  readonly measured?: Readonly<Record<string, number | string>>;
  /** What was run and what came back; no secrets. */
  readonly transcript: readonly string[];
}

/** An experiment: it changes nothing that lasts, and what it showed holds as long as nothing it depends on changes. */
export interface Trial extends Work {
  readonly kind: 'trial';
  /** The commands it will run, for the dry-run. */
  readonly changes: readonly Change[];
  /** A digest of all that the result depends on. The journal's evidence counts only under the same one. */
  basis(look: Look): Promise<string>;
  run(host: (name: HostName) => Host, look: Look): Promise<Evidence>;
}

/** A node of the plan's graph. */
export type Node = Step<unknown> | Trial;

/** What planning says of a node. */
export type Verdict =
  | { readonly is: 'met' }
  | { readonly is: 'change'; readonly changes: readonly Change[] }
  /** Decided once `waitsFor` is there. `changes`: what it would be on a machine fresh from the recipe, if that is known. */
  | { readonly is: 'later'; readonly waitsFor: string; readonly says: string; readonly changes: readonly Change[] };

/** A chapter of the recipes. */
export interface Chapter {
  /** 0 … 9, as in the document; the sandbox comes before them as `sandbox`. */
  readonly id: string;
  readonly title: string;
  readonly nodes: readonly Node[];
}
