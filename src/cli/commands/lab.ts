import { destroy } from '../../../recipes/destroy.ts';
import { down } from '../../../recipes/down.ts';
import { dryRun } from '../../engine/up.ts';
import { BadInput, NotYet } from '../../model/errors.ts';
import type { Lab } from '../../spec/lab.ts';
import { realTrial } from '../../stacks/real-trial.ts';
import { ask } from '../ask.ts';
import { contextOf, type Context, openContext, type WhichLab } from '../context.ts';
import { labOnDom0, labsOn } from '../lab-on-dom0.ts';
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

/** What `lab fence-test` is asked to do for real. */
export interface OrdealChoice {
  readonly real?: string;
  readonly off?: boolean;
  readonly crash?: string;
  readonly split?: boolean;
}

/**
 * `lab fence-test --real GUEST | --crash GUEST | --split`: fences a guest, after asking; then brings the cluster whole again.
 * @throws BadInput
 */
export async function realFenceTest(options: Options & OrdealChoice): Promise<number> {
  const context = await openContext(options);
  let begun = false;
  const { trial, destroys } = ordealOf(context.lab, options, () => {
    begun = true;
  });
  if (!options.yes && !options.dryRun && !(await agreed(context, destroys))) return 0;
  const resume = resumeCommand('lab up', options);
  const began = performance.now();
  const chapter = { id: 'real', title: 'A real fencing', nodes: [trial] };
  const code = await runChapters(context, [chapter], { ...options, again: true, yes: true }, resume);
  if (!begun) return code;
  const again = await openContext(options);
  const healed = await runChapters(again, again.chapters, { ...options, yes: true }, resume);
  if (healed === 0 && !options.json)
    process.stdout.write(`whole again ${Math.round((performance.now() - began) / 1000)} s after it began\n`);
  return code || healed;
}

function ordealOf(lab: Lab, { real, off, crash, split }: OrdealChoice, begun: () => void) {
  const asked = [real, crash, split].filter((choice) => choice !== undefined && choice !== false);
  const bad = (message: string, hint: string) => new BadInput([{ place: { file: 'lab fence-test' }, message, hint }]);
  if (asked.length !== 1) throw bad('found several kinds of fencing', 'choose one of --real, --crash and --split');
  if (lab.cluster.stack !== 'pacemaker')
    throw bad('real fencings are there for pacemaker only', 'without them: lab fence-test');
  if (lab.guests.length !== 2) throw bad('real fencings are there for two guests only', 'without them: lab fence-test');
  const name = real ?? crash;
  const victim = name === undefined ? lab.guests[0] : lab.guests.find((guest) => guest.name === name);
  if (!victim)
    throw bad(`found "${name}", expected a guest of ${lab.name}`, lab.guests.map((one) => one.name).join(', '));
  const ordeal = split ? 'split' : crash ? 'crash' : off ? 'off' : 'reboot';
  return { trial: realTrial(lab, ordeal, victim, begun), destroys: split ? 'one of the guests' : victim.name };
}

/** @throws BadInput if nobody is there to ask */
async function agreed({ hosts }: Context, what: string): Promise<boolean> {
  const close = async <T>(answer: T) => {
    await hosts.close();
    return answer;
  };
  if (!process.stdin.isTTY) {
    await hosts.close();
    throw new BadInput([
      { place: { file: 'lab fence-test' }, message: 'nobody is there to ask', hint: 'agree beforehand: --yes' },
    ]);
  }
  return (await ask(`This powers off ${what} for real. Go on?`)) || close(false);
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
    const doomed = await listDoomed(context, chapters);
    if (doomed.length === 0) await sayOthers(context);
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
  const resume = resumeCommand(name === undefined ? 'lab destroy' : `lab destroy --name ${name}`, options);
  return runChapters(context, chapters, { ...options, yes: true, last: true }, resume);
}

/** Nothing of this lab is here: whose things are? */
async function sayOthers({ lab, hosts }: Context): Promise<void> {
  const others = (await labsOn(hosts, lab)).filter((name) => name !== lab.name);
  if (others.length > 0)
    process.stderr.write(
      `lab: nothing of ${lab.name} is here; there are: ${others.join(', ')} (lab destroy --name ${others[0]})\n`,
    );
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
