import { LabError } from '../model/errors.ts';
import type { Emit, Failure, NodeInfo, StepEvent, SummaryEvent } from '../model/event.ts';
import { once } from '../model/once.ts';
import type { Before, Chapter, Node } from '../model/step.ts';

export function info(node: Node, chapter: Chapter): NodeInfo {
  return { id: node.id, chapter: chapter.id, title: node.title, host: node.on };
}

/** A list that nodes share stays one. */
const idsOf = once((nodes: Before): readonly (string | readonly string[])[] =>
  nodes.map((node) => ('id' in node ? node.id : (idsOf(node) as readonly string[]))),
);

/** Tells a reporter all that is going to come. */
export function outline(
  { lab, where, chapters, emit }: { lab: string; where: string; chapters: readonly Chapter[]; emit: Emit },
  dryRun: boolean,
): void {
  emit({
    event: 'outline',
    lab,
    where,
    dryRun,
    chapters: chapters.map((chapter) => ({
      id: chapter.id,
      title: chapter.title,
      nodes: chapter.nodes.map((node) => ({ ...info(node, chapter), after: idsOf(node.after) })),
    })),
  });
}

/** Counts the verdicts, and says so. */
export function summarize(events: readonly StepEvent[], emit: Emit): SummaryEvent {
  const count = (verdict: StepEvent['verdict']) => events.filter((event) => event.verdict === verdict).length;
  const summary: SummaryEvent = {
    event: 'summary',
    met: count('met'),
    changed: count('change'),
    later: count('later'),
    failed: count('failed'),
  };
  emit(summary);
  return summary;
}

/** A failure as data. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { hint, detail } = error as { hint?: string; detail?: readonly string[] };
  // An error that nobody foresaw is a bug: its stack is what helps.
  const unforeseen = error instanceof LabError ? undefined : error.stack?.split('\n').slice(1, 6);
  return {
    name: error.name,
    message: error.message,
    ...(hint ? { hint } : {}),
    ...((detail ?? unforeseen) ? { detail: detail ?? unforeseen ?? [] } : {}),
  };
}
