import type { StepEvent, SummaryEvent } from '../model/event.ts';
import { type Judged, plan } from './plan.ts';
import { failureOf, info, outline, summarize } from './report.ts';
import type { RunOptions } from './run-options.ts';

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
