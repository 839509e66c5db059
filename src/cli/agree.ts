import { dryRun } from '../engine/dry-run.ts';
import { NotYet } from '../model/errors.ts';
import type { Emit, StepEvent } from '../model/event.ts';
import type { Chapter } from '../model/step.ts';
import { agreed } from './ask.ts';
import type { Context } from './context.ts';
import { warn } from './output.ts';

/** What is asked before something is lost for good. */
interface Asking {
  /** How messages call the command: `lab destroy`. */
  readonly command: string;
  /** Stands above the list of what goes. */
  readonly heading: string;
  readonly question: string;
  /** Nothing but what can be seen now is agreed to: what is not there yet cannot be lost. */
  readonly allThere: boolean;
  /** Called if nothing goes. */
  nothing?(): Promise<void>;
}

/**
 * Lists everything that the chapters would destroy, and asks; nothing to lose is agreed to. If not, the connections are closed.
 * @throws BadInput if nobody is there to ask
 * @throws NotYet if all has to be there, and there is no dom0 to look at
 */
export async function agreedToLose(context: Context, chapters: readonly Chapter[], asking: Asking): Promise<boolean> {
  const doomed = await doomedBy(context, chapters, asking.allThere);
  if (doomed.length === 0) {
    await asking.nothing?.();
    return true;
  }
  warn(`${asking.heading}:\n${doomed.map((what) => `  ${what}\n`).join('')}`);
  return agreed({}, asking.command, asking.question);
}

async function doomedBy(context: Context, chapters: readonly Chapter[], allThere: boolean): Promise<readonly string[]> {
  const doomed: string[] = [];
  for (const event of await planned(context, chapters)) {
    if (event.verdict === 'later' && allThere)
      throw new NotYet(event.waitsFor ?? 'dom0', 'dom0 is not there: nothing to look at');
    doomed.push(
      ...event.changes.flatMap((change) => ('destroys' in change && change.destroys ? [change.destroys] : [])),
    );
  }
  return doomed;
}

/** What the chapters would do, looked at and not shown. */
export async function planned(
  { lab, hosts, journal, slowness }: Context,
  chapters: readonly Chapter[],
): Promise<readonly StepEvent[]> {
  const steps: StepEvent[] = [];
  const emit: Emit = (event) => void (event.event === 'step' && steps.push(event));
  await dryRun({ lab: lab.name, where: '', chapters, hosts, journal, proofs: journal, slowness, emit });
  return steps;
}
