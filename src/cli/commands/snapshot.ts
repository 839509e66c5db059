import { clocksSet } from '../../../recipes/clocks.ts';
import { BadInput } from '../../model/errors.ts';
import type { Step } from '../../model/step.ts';
import { type SandboxPaths, sandboxPaths } from '../../sandbox/paths.ts';
import { forgotten, restored, saved, savedStates } from '../../sandbox/snapshots.ts';
import { agreed } from '../ask.ts';
import { type Context, openContext, type WhichLab } from '../context.ts';
import { type RunChoices, resumeCommand, runChapters } from '../run.ts';
import { tell } from '../output.ts';

type Options = WhichLab & RunChoices;

const bad = (message: string, hint: string) => new BadInput([{ place: { file: 'lab snapshot' }, message, hint }]);

/** A lab in a sandbox. @throws BadInput for any other: saving one needs the machine below its dom0 */
async function open(options: Options): Promise<{ context: Context; paths: SandboxPaths }> {
  const context = await openContext(options);
  if (context.where.is === 'sandbox') return { context, paths: sandboxPaths(context.lab.name) };
  throw bad(
    'found a dom0 that is not a sandbox: memory, domains and disks cannot be saved at one point in time there',
    'lab down, and then copy the disks of all guests and the shared ones together; or work in a sandbox: --host sandbox',
  );
}

/** QEMU takes a number for its own id of a state, and words with spaces apart. @throws BadInput */
function checked(name: string): string {
  if (/^[A-Za-z][\w.-]{0,39}$/.test(name)) return name;
  throw bad(
    `found ${JSON.stringify(name.slice(0, 60))}, expected a letter, then letters, digits, _ . - (40 at most)`,
    'e.g. clean',
  );
}

/** `lab snapshot save NAME`: dom0, guests, memory and disks at this moment. */
export async function snapshotSave(name: string, options: Options): Promise<number> {
  const { context, paths } = await open({ ...options });
  const there = await savedStates(context.hosts.host('local'), paths);
  if (there.some((one) => one.name === checked(name)))
    throw bad(`there is a state ${name} already`, `forget it first: lab snapshot delete ${name}`);
  const chapter = { id: 'snapshot', title: 'Save the lab', nodes: [saved(paths, name)] };
  return runChapters(context, [chapter], options, resumeCommand(`lab snapshot save ${name}`, options));
}

/** `lab snapshot list`: a line each, the oldest first. */
export async function snapshotList(options: Options): Promise<number> {
  const { context, paths } = await open(options);
  const states = await savedStates(context.hosts.host('local'), paths);
  const width = Math.max(0, ...states.map(({ name }) => name.length));
  for (const state of states)
    tell(options.json ? `${JSON.stringify(state)}\n` : `${state.name.padEnd(width)}  ${state.at}  ${state.size}\n`);
  return 0;
}

/** `lab snapshot restore NAME`: asks, goes back, and sets the clocks. */
export async function snapshotRestore(name: string, options: Options): Promise<number> {
  const { context, paths } = await open(options);
  const start = (await context.chapters()).flatMap(({ nodes }) => nodes).find(({ id }) => id === 'sandbox.run') as Step;
  const back = restored(paths, checked(name), start);
  const nodes = [back, ...clocksSet(context.lab, [back])];
  const question = `This takes the lab back to ${name}; what happened since is lost. Go on?`;
  if (!options.dryRun && !(await agreed(options, 'lab snapshot', question))) return 0;
  const chapter = { id: 'snapshot', title: 'Go back', nodes };
  return runChapters(
    context,
    [chapter],
    { ...options, yes: true },
    resumeCommand(`lab snapshot restore ${name}`, options),
  );
}

/** `lab snapshot delete NAME`. */
export async function snapshotDelete(name: string, options: Options): Promise<number> {
  const { context, paths } = await open(options);
  const chapter = { id: 'snapshot', title: 'Forget a saved state', nodes: [forgotten(paths, checked(name))] };
  return runChapters(
    context,
    [chapter],
    { ...options, yes: true },
    resumeCommand(`lab snapshot delete ${name}`, options),
  );
}
