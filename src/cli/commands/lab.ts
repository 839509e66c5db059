import { destroy } from '../../../recipes/destroy.ts';
import { down } from '../../../recipes/down.ts';
import { dryRun } from '../../engine/up.ts';
import { BadInput, NotYet } from '../../model/errors.ts';
import { ask } from '../ask.ts';
import { type Context, openContext, type WhichLab } from '../context.ts';
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
    const doomed = await listDoomed(context, chapters);
    if (doomed.length > 0) {
      process.stderr.write(
        `lab destroy removes from ${context.lab.name}:\n${doomed.map((what) => `  ${what}\n`).join('')}`,
      );
      if (!process.stdin.isTTY) {
        await context.hosts.close();
        throw new BadInput([
          {
            place: { file: 'lab destroy' },
            message: 'nobody is there to ask',
            hint: 'agree beforehand: lab destroy --yes',
          },
        ]);
      }
      if (!(await ask('Remove all of that, for good?'))) {
        await context.hosts.close();
        return 0;
      }
    }
  }
  return runChapters(context, chapters, { ...options, yes: true }, resumeCommand('lab destroy', options));
}

/** Everything that would be lost. @throws NotYet if there is no dom0 to look at */
async function listDoomed(
  { lab, hosts, journal, slowness }: Context,
  chapters: ReturnType<typeof destroy>[],
): Promise<readonly string[]> {
  const doomed: string[] = [];
  await dryRun({
    lab: lab.name,
    where: '',
    chapters,
    hosts,
    journal,
    proofs: journal,
    slowness,
    emit: (event) => {
      if (event.event !== 'step') return;
      if (event.verdict === 'later')
        throw new NotYet(event.waitsFor ?? 'dom0', 'dom0 is not there: nothing to look at');
      doomed.push(
        ...event.changes.flatMap((change) => ('destroys' in change && change.destroys ? [change.destroys] : [])),
      );
    },
  });
  return doomed;
}
