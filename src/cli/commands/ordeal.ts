import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Journal } from '../../engine/journal.ts';
import { BadInput, LabError } from '../../model/errors.ts';
import type { Evidence } from '../../model/step.ts';
import type { Ordeal, Way } from '../../ordeals/ordeal.ts';
import { type Report, reportOf, reportText } from '../../ordeals/report.ts';
import { type Begun, ordealTrial, rejoinedTrial } from '../../ordeals/trial.ts';
import { type Lab, leavingOf } from '../../spec/lab.ts';
import { planned } from '../agree.ts';
import { agreed } from '../ask.ts';
import { type Context, openContext, type WhichLab } from '../context.ts';
import { type RunChoices, resumeCommand, runChapters } from '../run.ts';
import { tell } from '../output.ts';

/** What `lab fence-test` is asked to do for real. */
export interface OrdealChoice {
  readonly real?: string;
  readonly off?: boolean;
  readonly direct?: boolean;
  readonly crash?: string;
  readonly by?: 'panic' | 'pause' | 'destroy';
  readonly split?: boolean;
}

/**
 * `lab fence-test --real GUEST | --crash GUEST | --split`: fences a guest, after asking; then brings the cluster whole again,
 * and writes a report.
 * @returns the exit code
 * @throws BadInput
 */
export async function realFenceTest(options: WhichLab & RunChoices & OrdealChoice): Promise<number> {
  const context = await openContext(options);
  const { lab, journal } = context;
  let begun: (Begun & { readonly at: number }) | undefined;
  const ordeal = ordealOf(lab, options);
  const trial = ordealTrial(lab, ordeal, (state) => {
    begun = { ...state, at: performance.now() };
  });
  const struck = { id: 'real', title: 'A real fencing', nodes: [trial] };
  const loses = ordeal.way === 'split' ? 'one of the guests' : ordeal.victim.name;
  const question = `This powers off ${loses} for real. Go on?`;
  if (!options.dryRun && !(await agreed(options, 'lab fence-test', question))) return 0;
  if (!options.dryRun) {
    if (!options.json) tell('Looking whether all is as lab.yaml says, and whole\n');
    await assertAsItShouldBe(context);
  }
  const [at, resume] = [new Date(), resumeCommand('lab up', options)];
  const code = await runChapters(context, [struck], { ...options, again: true, yes: true }, resume);
  if (!begun) return code;

  const evidence = (await lastEvidence(journal, trial.id)) as Evidence;
  const loser = evidence.measured?.fenced;
  const again = await openContext(options);
  const chapters = await again.chapters();
  // Whoever was not fenced has nothing to come back from.
  const back = rejoinedTrial(lab, ordeal, { loser: String(loser), boots: begun.boots, began: begun.at });
  const after = { ...back, after: chapters.flatMap(({ nodes }) => nodes) };
  const rejoined = { id: 'back', title: 'Back in the cluster', nodes: [after] };
  const healed = await runChapters(
    again,
    loser === undefined ? chapters : [...chapters, rejoined],
    { ...options, yes: true },
    resume,
  );
  const report = reportOf(lab, ordeal, evidence, await lastEvidence(again.journal, back.id), at);
  const path = keep(report, journal);
  tell(
    options.json
      ? `${JSON.stringify({ event: 'report', ...report, path: `${path}.json` })}\n`
      : `\n${reportText(report)}Report: ${path}.txt, ${path}.json\n`,
  );
  return code || healed;
}

/**
 * Whoever is struck comes back by `lab up`: what that cannot do, or would do besides, is not left to be found out then.
 * @throws LabError
 */
async function assertAsItShouldBe(context: Context): Promise<void> {
  const steps = await planned(context, await context.chapters());
  const wanting = steps.filter(({ verdict }) => verdict !== 'met').map(({ title }) => title);
  if (wanting.length === 0) return;
  const more = wanting.length > 3 ? `, and ${wanting.length - 3} more` : '';
  throw new LabError(
    `${context.lab.name} is not as lab.yaml says, and nobody is fenced. lab up would still: ${wanting.slice(0, 3).join('; ')}${more}`,
    'first: lab up',
  );
}

/** Of this run. */
async function lastEvidence(journal: Journal, id: string): Promise<Evidence | undefined> {
  const entries = await journal.entries();
  const found = entries.findLast((entry) => entry.is === 'evidence' && entry.id === id && entry.run === journal.run);
  return found?.is === 'evidence' ? found.evidence : undefined;
}

/** Writes a report beside the journal, as text and as JSON. @returns its path without the ending */
function keep(report: Report, journal: Journal): string {
  const directory = join(dirname(journal.path), 'reports');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `${report.at.replaceAll(/[:.]/g, '-')}-${report.ordeal}`);
  writeFileSync(`${path}.json`, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(`${path}.txt`, reportText(report));
  return path;
}

function ordealOf(lab: Lab, { real, off, direct, crash, by, split }: OrdealChoice): Ordeal {
  const bad = (message: string, hint: string) => new BadInput([{ place: { file: 'lab fence-test' }, message, hint }]);
  const kinds = [real, crash, split].filter((choice) => choice !== undefined && choice !== false);
  if (kinds.length !== 1) throw bad('found several kinds of fencing', 'choose one of --real, --crash and --split');
  if (real === undefined && (off || direct))
    throw bad('found --off or --direct without --real', 'they tell how --real fences');
  if (crash === undefined && by !== undefined)
    throw bad('found --by without --crash', 'it tells how --crash stops the guest');
  const [former] = leavingOf(lab);
  if (former) throw bad(`${former.name} is on dom0 and no longer in lab.yaml`, 'first: lab up');
  if (lab.guests.length < 2) throw bad('there is nobody to fence the only guest', 'a lab of two guests at least');
  if (split && lab.guests.length !== 2) throw bad('--split is there for two guests only', 'with more: --crash GUEST');
  if (lab.cluster.stack === 'cman' && (split || (off && !direct)))
    throw bad(
      `found ${split ? '--split' : '--off without --direct'} with cman, expected --real GUEST or --crash GUEST`,
      split ? 'bridges of its day cannot part guests' : 'fence_node reboots; fence_xvm -o off is --off --direct',
    );
  const name = real ?? crash;
  const victim = name === undefined ? lab.guests[0] : lab.guests.find((guest) => guest.name === name);
  const survivor = lab.guests.find((guest) => guest !== victim);
  if (!victim || !survivor)
    throw bad(`found "${name}", expected a guest of ${lab.name}`, lab.guests.map((one) => one.name).join(', '));
  const way: Way = split ? 'split' : crash !== undefined ? (by ?? 'panic') : off ? 'off' : 'reboot';
  return { way, direct: direct === true, victim, survivor };
}
