import { expect, it } from 'vitest';
import { type Provocation, whileItRuns, withoutCluster } from './causes.ts';
import { type Ended, file, inGuest, lab, lines, onDom0, spec, steps } from './lab.ts';

interface Said {
  readonly event: 'finding' | 'diagnosis';
  readonly layer?: string;
  readonly state?: string;
  readonly saw?: string;
  readonly holds?: boolean;
  readonly says?: string;
  readonly cause: { name: string; number?: number; says: string; cure: { command: string; where?: string } } | null;
}

const doctor = (of: string, ...options: readonly string[]) =>
  lab(['doctor', '--file', of, '--host', 'sandbox', '--json', ...options]);
const said = ({ stdout }: Ended) => lines(stdout) as unknown as readonly Said[];
const diagnoses = (run: Ended) => said(run).filter(({ event }) => event === 'diagnosis');

/** What an examination found, for a test that fails. */
const told = (run: Ended) =>
  [
    ...said(run)
      .filter(({ event, state }) => event === 'diagnosis' || (event === 'finding' && state !== 'holds'))
      .map(({ layer, state, saw, says }) => [state, layer, saw, says].filter(Boolean).join('  ')),
    run.stderr.slice(-2000),
  ].join('\n');

/** LAB_REAL_CAUSES: `all`, or a regular expression on `cause: how it is made`; without it a handful of quick ones. */
const wanted = process.env.LAB_REAL_CAUSES;
const chosen = (all: readonly Provocation[]) =>
  all.filter(({ cause, by, quick }) =>
    wanted === undefined ? quick : wanted === 'all' || new RegExp(wanted).test(`${cause}: ${by}`),
  );

/**
 * Tests that make each cause really, one after the other, on a lab that is up: the doctor must name it and nothing else, and
 * the cure must take it away. They leave the lab as it was.
 */
export function theDoctorNamesEachCause(): void {
  const running = chosen(whileItRuns);
  const halted = chosen(withoutCluster);
  if (running.length + halted.length === 0) throw new Error(`LAB_REAL_CAUSES: no cause matches ${wanted}`);
  const [molly] = spec.guests;
  const pacemaker = (script: string) => inGuest(molly?.name ?? '', script);
  const maintenance = 'crm_attribute --type crm_config --name maintenance-mode';

  // A monitor that waits two minutes for its answer would keep the port that the doctor's own fence_xvm needs.
  if (running.length > 0)
    it('lets the cluster’s monitors rest', async () => {
      await pacemaker(`${maintenance} --update true && crm_resource --wait --timeout=120`);
    });
  for (const row of running) it(`${row.cause}: ${row.by}`, () => namedAndHealed(row));
  if (running.length > 0)
    it('wakes the cluster’s monitors', async () => {
      await pacemaker(`${maintenance} --delete && crm_resource --wait --timeout=300`);
    });
  for (const row of halted) it(`${row.cause}: ${row.by}`, () => namedAndHealed(row));

  it('is whole after all of them', async () => {
    const run = await lab(['up', '--file', file, '--host', 'sandbox', '--json']);
    expect(run.code, run.stdout.slice(-4000) + run.stderr).toBe(0);
    // The fencing test may run again: it changes nothing.
    const changed = steps(run).filter(({ verdict, chapter }) => verdict !== 'met' && chapter !== '8');
    expect(changed.map(({ id, verdict }) => `${verdict} ${id}`)).toEqual([]);
  });
}

async function namedAndHealed(row: Provocation): Promise<void> {
  let undone = false;
  try {
    await row.provoke();
    const run = await doctor(row.file ?? file, '--fix');
    expect([0, 1], run.stderr).toContain(run.code);
    const [before, after] = diagnoses(run);
    expect(before?.cause?.name, told(run)).toBe(row.cause);
    const fixed = row.heals === 'fix' && row.leaves === undefined;
    expect(run.code, told(run)).toBe(fixed ? 0 : 1);
    if (row.heals !== 'fix') expect(run.stderr).toContain('nothing was changed: this cure is to be typed');
    if (row.leaves !== undefined) expect(after?.cause?.name, told(run)).toBe(row.leaves);
    if (row.heals === 'typed') await typed(before?.cause?.cure);
    if (row.heals === 'undo' || row.leaves !== undefined) {
      await row.undo();
      undone = true;
    }
    const last = fixed ? run : await doctor(file);
    expect(diagnoses(last).at(-1), told(last)).toMatchObject({ holds: true, says: 'all layers hold', cause: null });
    const { cause, says } = before ?? {};
    const number = cause?.number === undefined ? '' : ` (${cause.number})`;
    process.stdout.write(`  ${row.by}: ${cause?.name}${number}: ${says}; ${row.heals}; ${run.seconds.toFixed(0)} s\n`);
  } finally {
    if (!undone) await row.undo();
  }
}

/** Types what the doctor says. */
async function typed(cure: { command: string; where?: string } | undefined): Promise<void> {
  if (cure?.where === undefined) throw new Error('a cure that is typed on a host was expected');
  await (cure.where === 'dom0' ? onDom0(cure.command) : inGuest(cure.where, cure.command));
}
