import { type Change, type FileChange, sayChange } from '../model/change.ts';
import { CommandFailed, Foreign, Interrupted, LabError, NotYet, Refused } from '../model/errors.ts';
import type { Emit, StepEvent, SummaryEvent } from '../model/event.ts';
import type { HostName, Hosts } from '../model/host.ts';
import type { Chapter, Evidence, Node, Step, Trial } from '../model/step.ts';
import { Applier } from './apply.ts';
import { breakable } from './breakable.ts';
import type { Fault } from './fault.ts';
import type { Journal } from './journal.ts';
import { lookFor, notYet, providersOf, type Viewpoint } from './look.ts';
import { type Foresight, type Judged, judge, type Proofs, plan } from './plan.ts';
import { failureOf, info, outline, summarize } from './report.ts';
import { settled } from './settle.ts';

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

/** Nodes at work at one time, but for those that have to be together. With a fault there is one, so that the N-th change is always the same. */
const atOnce = 8;

/** How often a command that failed is made, if the world still lacks what it should do. */
const tries = 3;

/** `--dry-run`: the plan, told as events. Holds readers only. */
export async function dryRun(options: RunOptions): Promise<SummaryEvent> {
  const { chapters, emit } = options;
  const nodes = chapters.flatMap((chapter) => chapter.nodes);
  outline(options, true);
  const began = performance.now();
  const judged = await plan(nodes, options);
  const events: StepEvent[] = [];
  for (const chapter of chapters) {
    for (const node of chapter.nodes) {
      const event = {
        ...told(judged.get(node) as Judged),
        ...info(node, chapter),
        event: 'step' as const,
        ms: Math.round(performance.now() - began),
      };
      events.push(event);
      emit(event);
    }
  }
  return summarize(events, emit);
}

function told(judged: Judged): Pick<StepEvent, 'verdict' | 'changes' | 'waitsFor' | 'failure'> {
  if (judged.is === 'failed') return { verdict: 'failed', changes: [], failure: failureOf(judged.error) };
  if (judged.is === 'later') return { verdict: 'later', changes: judged.changes, waitsFor: judged.waitsFor };
  return { verdict: judged.is, changes: judged.is === 'change' ? judged.changes : [] };
}

/** `lab up`: makes the plan true, node by node, as a graph. After a failure nothing new begins; what is under way ends. */
export async function up(options: RunOptions): Promise<SummaryEvent> {
  return new Run(options).go();
}

class Run {
  readonly #options: RunOptions;
  readonly #applier: Applier;
  readonly #nodes: readonly Node[];
  readonly #chapterOf: ReadonlyMap<Node, Chapter>;
  readonly #providers: ReadonlyMap<HostName, Step<unknown>>;
  #plan: ReadonlyMap<Node, Judged> = new Map();
  /** Ended nodes, and whether they changed anything. */
  readonly #ended = new Map<Node, 'met' | 'change'>();
  readonly #events: StepEvent[] = [];
  #failed = false;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#applier = new Applier(options.fault, () => options.slowness());
    this.#nodes = options.chapters.flatMap((chapter) => chapter.nodes);
    this.#chapterOf = new Map(
      options.chapters.flatMap((chapter) => chapter.nodes.map((node) => [node, chapter] as const)),
    );
    this.#providers = providersOf(this.#nodes);
  }

  async go(): Promise<SummaryEvent> {
    const { journal, signal } = this.#options;
    this.#plan = await plan(this.#nodes, this.#options);
    const stopped = await this.#stopped();
    outline(this.#options, false);
    for (const [node, error] of stopped)
      this.#tell(node, { verdict: 'failed', changes: [], failure: failureOf(error), ms: 0 });
    this.#failed = stopped.size > 0;
    const waiting = new Set(this.#nodes.filter((node) => !stopped.has(node)));
    const working = new Map<Promise<void>, Node>();
    while (waiting.size > 0 || working.size > 0) {
      for (const node of waiting) {
        if (this.#failed || signal?.aborted) break;
        const others = [...working.values()];
        // Those that have to be together wait for one another: all of them begin, however many.
        if (others.length >= atOnce && !others.some((other) => areTogether(node, other))) continue;
        if (this.#options.fault && !others.every((other) => areTogether(node, other))) continue;
        // A node that this run does not hold (`--only`) counts as done.
        if (!node.after.flat().every((before) => this.#ended.has(before) || !this.#chapterOf.has(before))) continue;
        waiting.delete(node);
        const work: Promise<void> = this.#node(node).finally(() => working.delete(work));
        working.set(work, node);
      }
      if (working.size === 0) break;
      await Promise.race(working.keys());
    }
    for (const node of waiting) this.#tell(node, { verdict: 'later', changes: [], ms: 0 });
    await journal.add({ is: 'ended' });
    const summary = summarize(this.#events, this.#options.emit);
    if (signal?.aborted) throw signal.reason instanceof LabError ? signal.reason : new Interrupted('interrupted');
    return summary;
  }

  /** What stops the run before anything is touched: what is in the way, and edits by hand that nobody gave up. */
  async #stopped(): Promise<ReadonlyMap<Node, unknown>> {
    const inTheWay = [...this.#plan].flatMap(([node, judged]) =>
      judged.is === 'failed' && this.#stays(node, judged.error) ? [[node, judged.error] as const] : [],
    );
    if (inTheWay.length > 0) return new Map(inTheWay);
    const edited = [...this.#plan].flatMap(([node, judged]) =>
      judged.is === 'change' ? byHand(judged.changes).map((change) => [node, change] as const) : [],
    );
    if (edited.length === 0 || (await this.#options.consent?.(edited.map(([, change]) => change)))) return new Map();
    return new Map(edited.map(([node, change]) => [node, editedByHand(change)]));
  }

  /** Whether this run cannot take it away: it is somebody's, or refused, and nothing changes before it. */
  #stays(node: Node, error: unknown): boolean {
    const allMet = () => node.after.flat().every((before) => this.#plan.get(before)?.is === 'met');
    return error instanceof Foreign || (error instanceof Refused && allMet());
  }

  async #node(node: Node): Promise<void> {
    const began = performance.now();
    const ms = () => Math.round(performance.now() - began);
    this.#options.emit({ event: 'started', ...info(node, this.#chapterOf.get(node) as Chapter) });
    try {
      const done = await this.#work(node);
      this.#ended.set(node, done.verdict);
      this.#tell(node, { ...done, ms: ms() });
    } catch (error) {
      if (this.#options.signal?.aborted) return this.#tell(node, { verdict: 'later', changes: [], ms: ms() });
      this.#failed = true;
      await this.#options.journal.add({
        is: 'failed',
        id: node.id,
        why: error instanceof Error ? error.message : String(error),
      });
      this.#tell(node, { verdict: 'failed', changes: [], failure: failureOf(error), ms: ms() });
    }
  }

  async #work(node: Node): Promise<{ verdict: 'met' | 'change'; changes: readonly Change[]; evidence?: Evidence }> {
    const planned = this.#plan.get(node);
    const untouched = node.after.flat().every((before) => this.#ended.get(before) !== 'change');
    // What was met a moment ago is still so, unless this run changed something before it.
    if (planned?.is === 'met' && untouched) return { verdict: 'met', changes: [] };
    const judged = await judge(node, this.#viewpoint, this.#options.proofs);
    if (judged.is === 'met') return { verdict: 'met', changes: [] };
    const changes = changesOf(judged);
    await this.#options.journal.add({ is: 'started', id: node.id });
    const evidence = node.kind === 'trial' ? await this.#try(node) : await this.#make(node, changes);
    await this.#options.journal.add({ is: 'done', id: node.id });
    return { verdict: 'change', changes, ...(evidence ? { evidence } : {}) };
  }

  /** Makes the changes of a step, until its check agrees. */
  async #make(step: Step<unknown>, changes: readonly Change[]): Promise<undefined> {
    await this.#approve(step, changes);
    const says = (text: string) => this.#options.emit({ event: 'doing', id: step.id, says: text });
    for (const change of changes) {
      this.#options.signal?.throwIfAborted();
      await this.#apply(step, change, changes.length === 1, says);
    }
    if (step.provides) await this.#options.hosts.forget(step.provides);
    await settled(step, {
      judgeNow: () => judge(step, this.#viewpoint, this.#options.proofs),
      look: lookFor(step, this.#viewpoint),
      says,
      options: this.#options,
    });
  }

  /**
   * A command may crash, or lose its daemon, before or after it did its work: what counts is the world. If the change is all
   * that its step does, and the step waits for the world anyway, it is looked at, and tried again if it is still missing.
   */
  async #apply(step: Step<unknown>, change: Change, alone: boolean, says: (text: string) => void): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#applier.apply(change, this.#options.hosts.host(step.on), says);
      } catch (error) {
        // It may have been broken off on purpose.
        if (this.#options.signal?.aborted || !(error instanceof CommandFailed) || !alone || !step.settle) throw error;
        says(`${error.message.split('\n')[0]}; looking at what really happened`);
        const now = await judge(step, this.#viewpoint, this.#options.proofs);
        if (now.is === 'failed') throw error;
        const missing = now.is === 'change' && now.changes.some((left) => sayChange(left) === sayChange(change));
        if (!missing) return;
        if (attempt === tries) {
          const detail = await step.settle.diagnose?.(lookFor(step, this.#viewpoint)).catch(() => []);
          throw Object.assign(error, { detail });
        }
      }
    }
  }

  async #try(trial: Trial): Promise<Evidence> {
    const look = lookFor(trial, this.#viewpoint);
    const basis = await trial.basis(look);
    const { hosts, broken, explain } = this.#options;
    const shown = await trial.run(
      breakable((name) => hosts.host(name), broken),
      look,
    );
    if (!shown.passed && explain) this.#options.emit({ event: 'doing', id: trial.id, says: 'looking for the cause' });
    const evidence = shown.passed || !explain ? shown : await explain(trial, shown);
    await this.#options.journal.add({ is: 'evidence', id: trial.id, basis, evidence });
    if (!evidence.passed) {
      throw Object.assign(
        new LabError(`${evidence.layer ? `layer "${evidence.layer}": ` : ''}${evidence.says}`, evidence.hint),
        { detail: evidence.transcript.slice(-20) },
      );
    }
    return evidence;
  }

  /** A change that destroys something is only made if the plan held it, or somebody says yes now. */
  async #approve(step: Step<unknown>, changes: readonly Change[]): Promise<void> {
    const planned = this.#plan.get(step);
    const plannedChanges = planned?.is === 'change' ? planned.changes : [];
    const known = plannedChanges.flatMap((change) => ('destroys' in change ? [change.destroys] : []));
    const agreed = byHand(plannedChanges).map((change) => change.byHand);
    for (const change of byHand(changes))
      if (!agreed.includes(change.byHand) && !(await this.#options.consent?.([change]))) throw editedByHand(change);
    for (const change of changes) {
      const what = 'destroys' in change ? change.destroys : undefined;
      if (what === undefined || known.includes(what)) continue;
      if (!(await this.#options.approve?.(what)))
        throw new LabError(
          `${step.title} would destroy ${what}, which the plan did not show`,
          'run it again with --yes to agree',
        );
    }
  }

  readonly #viewpoint: Viewpoint = {
    hosts: { host: (name) => this.#options.hosts.host(name) },
    gate: async (host, asker) => {
      const provider = this.#providers.get(host);
      if (!provider || provider === asker || this.#ended.has(provider)) return;
      if (this.#plan.get(provider)?.is !== 'met') notYet(provider);
    },
  };

  #tell(node: Node, result: Pick<StepEvent, 'verdict' | 'changes' | 'ms' | 'failure' | 'evidence'>): void {
    const event: StepEvent = { event: 'step', ...info(node, this.#chapterOf.get(node) as Chapter), ...result };
    this.#events.push(event);
    this.#options.emit(event);
  }
}

const areTogether = (a: Node, b: Node) =>
  a.kind === 'step' && b.kind === 'step' && a.together !== undefined && a.together === b.together;

function byHand(changes: readonly Change[]): readonly FileChange[] {
  return changes.filter((change) => change.is === 'file' && change.byHand !== undefined) as readonly FileChange[];
}

function editedByHand({ path, byHand: copy }: FileChange): LabError {
  return new LabError(
    `${path} was edited by hand since lab wrote it`,
    `lab up --yes writes it again, and keeps your version as ${copy}; what is to last belongs in lab.yaml`,
  );
}

function changesOf(judged: Judged): readonly Change[] {
  if (judged.is === 'failed') throw judged.error;
  if (judged.is === 'later') throw new NotYet(judged.waitsFor, `what has to come first is not there: ${judged.says}`);
  return judged.is === 'change' ? judged.changes : [];
}
