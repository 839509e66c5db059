import type { Event, NodeInfo, OutlinedNode, StepEvent } from '../model/event.ts';
import type { StepId } from '../model/step.ts';

/** An event, and when it came: milliseconds since the run began. */
export interface Timed {
  readonly at: number;
  readonly event: Event;
}

/** A node that was at work. Times are milliseconds since the run began. */
export interface Bar extends NodeInfo {
  /** What had to end first. */
  readonly after: readonly StepId[];
  readonly verdict: StepEvent['verdict'];
  readonly began: number;
  readonly ended: number;
  /** Of those, the one that ended last; undefined: it could begin after the plan. */
  readonly waitedFor: StepId | undefined;
  /** How long it was ready and did not begin: others were at work. */
  readonly held: number;
}

/** What ran when, what waited for what, and the chain that the run could not have been shorter than. */
export interface Timeline {
  /** When the plan was made, and the first node began. */
  readonly planned: number;
  readonly ended: number;
  /** As they began. */
  readonly bars: readonly Bar[];
  /** From the first node to the one that ended last, each waiting for the one before it. */
  readonly critical: readonly Bar[];
}

/** The time line of a run, from all that the engine said. A node that did not end (the run broke off) is left out. */
export function timelineOf(told: readonly Timed[]): Timeline {
  const nodes = new Map<StepId, OutlinedNode>();
  const began = new Map<StepId, number>();
  const ended = new Map<StepId, Timed & { event: StepEvent }>();
  for (const { at, event } of told) {
    if (event.event === 'outline')
      for (const node of event.chapters.flatMap((chapter) => chapter.nodes)) nodes.set(node.id, node);
    if (event.event === 'started') began.set(event.id, at);
    if (event.event === 'step' && began.has(event.id)) ended.set(event.id, { at, event });
  }
  const planned = Math.min(...began.values(), told.at(-1)?.at ?? 0);
  const bars = [...began].flatMap(([id, start]): readonly Bar[] => {
    const [node, end] = [nodes.get(id), ended.get(id)];
    if (!node || !end) return [];
    const after = node.after.flat();
    const waits = after.flatMap((before) => ended.get(before) ?? []);
    const last = waits.reduce<(typeof waits)[number] | undefined>((a, b) => (a && a.at >= b.at ? a : b), undefined);
    return [
      {
        ...node,
        after,
        verdict: end.event.verdict,
        began: start,
        ended: end.at,
        waitedFor: last?.event.id,
        held: start - (last?.at ?? planned),
      },
    ];
  });
  return { planned, ended: told.at(-1)?.at ?? 0, bars, critical: chain(bars) };
}

function chain(bars: readonly Bar[]): readonly Bar[] {
  const found: Bar[] = [];
  let at = bars.reduce<Bar | undefined>((a, b) => (a && a.ended >= b.ended ? a : b), undefined);
  for (; at; at = bars.find(({ id }) => id === at?.waitedFor)) found.unshift(at);
  return found;
}

/** Shorter than this, a node is no bar: it was met (ms). */
const shortest = 20;

/** The bars that are worth a line. */
export function shown({ bars, critical }: Timeline): readonly Bar[] {
  return bars.filter((bar) => bar.ended - bar.began >= shortest || (bar.verdict !== 'met' && critical.includes(bar)));
}
