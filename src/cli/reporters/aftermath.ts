import type { Event, NodeInfo, StepEvent } from '../../model/event.ts';
import { counted, elapsed, heading, indented, type Paint, tidy, titleAndHost } from './words.ts';

type Outline = Extract<Event, { event: 'outline' }>;

/** More titles than these are given as counts per chapter. */
const FEW = 5;

/** The course of a run so far: what a reporter remembers of the events. */
export class Course {
  readonly #began = performance.now();
  outline: Outline | undefined;
  readonly steps: StepEvent[] = [];

  note(event: Event): void {
    if (event.event === 'outline') this.outline = event;
    if (event.event === 'step') this.steps.push(event);
  }

  ms(): number {
    return performance.now() - this.#began;
  }

  of(...verdicts: StepEvent['verdict'][]): StepEvent[] {
    return this.steps.filter(({ verdict }) => verdicts.includes(verdict));
  }

  /** All that has not come to an end, in the document's order. */
  remaining(): NodeInfo[] {
    const ended = new Set(this.of('met', 'change', 'failed').map(({ id }) => id));
    return (this.outline?.chapters ?? []).flatMap(({ nodes }) => nodes.filter(({ id }) => !ended.has(id)));
  }
}

/**
 * What is said at the end. All well: one line. Else what was done, what failed and why, what remains, and the command that
 * goes on from there.
 */
export function aftermath(course: Course, { resume, paint }: { resume: string; paint: Paint }): string {
  const failures = course.of('failed').map((step) => failureInWords(step, paint));
  if (course.outline?.dryRun) return [...failures, planInWords(course)].join('\n');
  const remaining = course.remaining();
  if (failures.length === 0 && remaining.length === 0) return success(course);
  return [
    `${paint('bold', 'Done:')} ${doneInWords(course)}`,
    ...(failures.length > 0 ? failures : [paint('yellow', 'Stopped before the end.')]),
    ...(remaining.length > 0 ? [`${paint('bold', 'Remaining:')} ${remainingInWords(course, remaining)}`] : []),
    `${paint('bold', 'To go on from there:')} ${resume}`,
  ].join('\n');
}

/** Whether all came to a good end. */
export function wentWell(course: Course): boolean {
  return course.of('failed').length === 0 && (course.outline?.dryRun === true || course.remaining().length === 0);
}

function success(course: Course): string {
  const [met, changed] = [course.of('met').length, course.of('change').length];
  const time = elapsed(course.ms());
  if (changed === 0) return `nothing to do: ${counted(met, 'step')} met, in ${time}`;
  return `${changed} changed, ${met} met, in ${time}`;
}

function planInWords(course: Course): string {
  const [met, changed] = [course.of('met').length, course.of('change').length];
  const [later, failed] = [course.of('later').length, course.of('failed').length];
  const time = `in ${elapsed(course.ms())}`;
  if (met === course.steps.length) return `nothing to do: ${counted(met, 'step')} met, ${time}`;
  const counts = [
    `${changed} to change`,
    `${met} met`,
    later && `${later} decided later`,
    failed && `${failed} failed`,
  ];
  return `${counts.filter(Boolean).join(', ')}, ${time}; nothing was touched`;
}

function doneInWords(course: Course): string {
  const changed = course.of('change');
  const last = changed.at(-1);
  const counts = `${changed.length} changed, ${course.of('met').length} met, in ${elapsed(course.ms())}`;
  return last ? `${counts}; the last was “${titleAndHost(last)}”` : counts;
}

/** Title, host, what happened (a command's failure names the command, its exit code and its last words), and what to do. */
function failureInWords(step: StepEvent, paint: Paint): string {
  const { id, title, host, ms, failure } = step;
  return [
    paint(['red', 'bold'], `Failed: ${title} on ${host}${ms >= 100 ? `, after ${elapsed(ms)}` : ''} (${id})`),
    indented(tidy(failure?.message ?? 'for an unknown reason'), 2),
    ...(failure?.detail ?? []).map((line) => paint('dim', indented(tidy(line), 4))),
    ...(failure?.hint ? [`  ${paint('yellow', 'Hint:')} ${indented(tidy(failure.hint), 8).trimStart()}`] : []),
  ].join('\n');
}

function remainingInWords(course: Course, remaining: readonly NodeInfo[]): string {
  const chapters = (course.outline?.chapters ?? []).flatMap((chapter) => {
    const open = remaining.filter((node) => node.chapter === chapter.id);
    if (open.length === 0) return [];
    const what = remaining.length <= FEW ? open.map(titleAndHost).join('; ') : counted(open.length, 'step');
    return [`  ${heading(chapter)}: ${what}`];
  });
  return [counted(remaining.length, 'step'), ...chapters].join('\n');
}
