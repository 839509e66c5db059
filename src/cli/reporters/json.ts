import type { Event, StepEvent } from '../../model/event.ts';
import { changeAsJson } from './changes.ts';
import { flushed, type Output, type Reporter } from './reporter.ts';

/** `--json`: an object a line, steps as they end and the summary last. */
export function jsonReporter({ stdout, stderr }: { readonly stdout: Output; readonly stderr: Output }): Reporter {
  return {
    emit(event: Event) {
      if (event.event === 'step') stdout.write(`${JSON.stringify(stepAsJson(event))}\n`);
      if (event.event === 'summary') stdout.write(`${JSON.stringify(event)}\n`);
    },
    note: (says) => void stderr.write(`lab: ${says}\n`),
    end: () => flushed(stdout),
  };
}

function stepAsJson(step: StepEvent): Record<string, unknown> {
  const { event, id, chapter, host, verdict, changes, ms, title, waitsFor, failure, evidence } = step;
  // What is undefined leaves no key in JSON.
  return {
    event,
    id,
    chapter,
    host,
    verdict,
    changes: changes.map(changeAsJson),
    ms,
    title,
    waitsFor,
    error: failure,
    evidence,
  };
}
