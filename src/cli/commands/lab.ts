import { destroy } from '../../../recipes/destroy.ts';
import { down } from '../../../recipes/down.ts';
import { agreedToLose } from '../agree.ts';
import { openContext, type WhichLab } from '../context.ts';
import { chosen, type RunChoices, resumeCommand, runChapters } from './up.ts';

type Options = WhichLab & RunChoices;

/** `lab fence-test`: chapter 8 again, whatever was proved before. */
export async function fenceTestCommand(options: Options): Promise<number> {
  const context = await openContext(options);
  return runChapters(
    context,
    chosen(context.chapters, ['8']),
    { ...options, again: true },
    resumeCommand('lab fence-test', options),
  );
}

/** `lab down`: the cluster first, then the guests. */
export async function downCommand(options: Options): Promise<number> {
  const context = await openContext(options);
  return runChapters(context, [down(context.lab)], options, resumeCommand('lab down', options));
}

/** `lab destroy`: lists what carries this lab's mark, asks, and removes it. */
export async function destroyCommand(options: Options): Promise<number> {
  const context = await openContext(options);
  const chapters = [destroy(context.lab)];
  if (!options.yes && !options.dryRun) {
    const asking = {
      command: 'lab destroy',
      heading: `lab destroy removes from ${context.lab.name}`,
      question: 'Remove all of that, for good?',
      allThere: true,
    };
    if (!(await agreedToLose(context, chapters, asking))) return 0;
  }
  return runChapters(context, chapters, { ...options, yes: true }, resumeCommand('lab destroy', options));
}
