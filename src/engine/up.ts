import { Foreign, Interrupted, LabError, OfAnotherLab, Refused } from '../model/errors.ts';
import type { StepEvent, SummaryEvent } from '../model/event.ts';
import type { HostName } from '../model/host.ts';
import type { Chapter, Node, Step } from '../model/step.ts';
import { byHand, editedByHand } from './by-hand.ts';
import { notYet, providersOf, type Viewpoint } from './look.ts';
import { type Judged, plan } from './plan.ts';
import { failureOf, info, outline, summarize } from './report.ts';
import type { RunOptions } from './run-options.ts';
import { type Done, Work } from './work.ts';

/** Nodes at work at one time, but for those that have to be together. With a fault there is one, so that the N-th change is always the same. */
const atOnce = 8;

/** `lab up`: makes the plan true, node by node, as a graph. After a failure nothing new begins; what is under way ends. */
export async function up(options: RunOptions): Promise<SummaryEvent> {
  return new Run(options).go();
}

class Run {
  readonly #options: RunOptions;
  readonly #worker: Work;
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
    this.#nodes = options.chapters.flatMap((chapter) => chapter.nodes);
    this.#chapterOf = new Map(
      options.chapters.flatMap((chapter) => chapter.nodes.map((node) => [node, chapter] as const)),
    );
    this.#providers = providersOf(this.#nodes);
    this.#worker = new Work(options, this.#viewpoint, this.#providers);
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
        // A node that this run does not hold (`--only`) counts as done.
        if (!node.after.flat().every((before) => this.#ended.has(before) || !this.#chapterOf.has(before))) continue;
        if (this.#stillMet(node)) {
          waiting.delete(node);
          this.#begin(node);
          this.#end(node, { verdict: 'met', changes: [] }, 0);
          continue;
        }
        const others = [...working.values()];
        // Those that have to be together wait for one another: all of them begin, however many.
        if (others.length >= atOnce && !others.some((other) => areTogether(node, other))) continue;
        if (this.#options.fault && !others.every((other) => areTogether(node, other))) continue;
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
    const clashes = inTheWay.filter(([, error]) => error instanceof OfAnotherLab);
    if (inTheWay.length > 0) return new Map(clashes.length > 0 ? clashes : inTheWay);
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
    this.#begin(node);
    try {
      this.#end(node, await this.#worker.on(node, this.#plan.get(node)), ms());
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

  /** What was met a moment ago is still so, unless this run changed something before it. */
  #stillMet(node: Node): boolean {
    const untouched = () => node.after.flat().every((before) => this.#ended.get(before) !== 'change');
    return this.#plan.get(node)?.is === 'met' && untouched();
  }

  #begin(node: Node): void {
    this.#options.emit({ event: 'started', ...info(node, this.#chapterOf.get(node) as Chapter) });
  }

  #end(node: Node, done: Done, ms: number): void {
    this.#ended.set(node, done.verdict);
    this.#tell(node, { ...done, ms });
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
