import { destroy } from '../../../recipes/destroy.ts';
import { down } from '../../../recipes/down.ts';
import { agreedToLose } from '../agree.ts';
import { BadInput } from '../../model/errors.ts';
import { contextOf, type Context, openContext, type WhichLab } from '../context.ts';
import { endKept } from '../kept.ts';
import { labOnDom0, labsOn } from '../lab-on-dom0.ts';
import { chosen, type RunChoices, resumeCommand, runChapters } from '../run.ts';
import { warn } from '../output.ts';

type Options = WhichLab & RunChoices;

/** `lab fence-test`: chapter 8 again, whatever was proved before. */
export async function fenceTestCommand(options: Options): Promise<number> {
  const context = await openContext(options);
  return runChapters(
    context,
    chosen(await context.chapters(), ['8']),
    { ...options, again: true },
    resumeCommand('lab fence-test', options),
  );
}

/** `lab down`: the cluster first, then the guests. */
export async function downCommand(options: Options): Promise<number> {
  const context = await openContext(options);
  return runChapters(context, [down(context.lab)], options, resumeCommand('lab down', options));
}

/**
 * `lab destroy`: lists what carries this lab's mark, asks, and removes it. With `--name` lab.yaml is not needed.
 * @throws BadInput
 */
export async function destroyCommand(options: Options & { readonly name?: string }): Promise<number> {
  const { name } = options;
  if (name !== undefined && options.file !== undefined)
    throw new BadInput([{ place: { file: '--name' }, message: 'found --name and --file, expected one of them' }]);
  const context =
    name === undefined ? await openContext(options) : await contextOf(await labOnDom0(name, options), options);
  const chapters = [destroy(context.lab)];
  if (!options.yes && !options.dryRun) {
    const asking = {
      command: 'lab destroy',
      heading: `lab destroy removes from ${context.lab.name}`,
      question: 'Remove all of that, for good?',
      allThere: true,
      nothing: () => sayOthers(context),
    };
    if (!(await agreedToLose(context, chapters, asking))) return 0;
  }
  const resume = resumeCommand(name === undefined ? 'lab destroy' : `lab destroy --name ${name}`, options);
  const code = await runChapters(context, chapters, { ...options, yes: true, last: true }, resume);
  if (code === 0 && !options.dryRun) {
    await context.hosts.close();
    await endKept(context);
  }
  return code;
}

/** Nothing of this lab is here: whose things are? */
async function sayOthers({ lab, hosts }: Context): Promise<void> {
  const others = (await labsOn(hosts, lab)).filter((name) => name !== lab.name);
  if (others.length > 0)
    warn(`lab: nothing of ${lab.name} is here; there are: ${others.join(', ')} (lab destroy --name ${others[0]})\n`);
}
