import { BadInput } from '../../model/errors.ts';
import { leavingOf } from '../../spec/lab.ts';
import { openContext, type WhichLab } from '../context.ts';

export interface UpOptions extends WhichLab {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly only?: readonly string[];
  readonly trace?: boolean;
  readonly adopt?: readonly string[];
  readonly timeline?: boolean | string;
}

/** `lab up`. @returns the exit code */
export async function upCommand(options: UpOptions): Promise<number> {
  assertTimeline(options);
  // With chapters that may not exist, nothing is touched before that is known.
  const context = await openContext(options, { locked: !options.dryRun && options.only === undefined });
  const { chosen, resumeCommand, runChapters } = await import('../run.ts');
  const chapters = chosen(await context.chapters(), options.only);
  const adopting = (options.adopt ?? []).flatMap((name) => ['--adopt', name]);
  const resume = [resumeCommand('lab up', options), ...adopting].join(' ');
  if (leavingOf(context.lab).length === 0 || options.yes || options.dryRun)
    return runChapters(context, chapters, options, resume);
  const names = leavingOf(context.lab).map(({ name }) => name);
  const asking = {
    command: 'lab up',
    heading: `lab.yaml no longer has ${names.join(', ')}: lab up removes from ${context.lab.name}`,
    question: 'Remove all of that, for good?',
    allThere: false,
  };
  const { agreedToLose } = await import('../agree.ts');
  return (await agreedToLose(context, chapters, asking)) ? runChapters(context, chapters, options, resume) : 0;
}

/** @throws BadInput for a time line of nothing, or in a file that is no picture */
function assertTimeline({ timeline, dryRun }: UpOptions): void {
  const bad = (message: string) => new BadInput([{ place: { file: '--timeline' }, message }]);
  if (timeline !== undefined && dryRun) throw bad('found --dry-run, expected a run: a plan has no time line');
  if (typeof timeline === 'string' && !timeline.endsWith('.svg'))
    throw bad(`found "${timeline}", expected a file that ends in .svg, or nothing`);
}
