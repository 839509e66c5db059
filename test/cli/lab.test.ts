import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Line, lab, lines, scratch, tree } from './process.ts';

/**
 * What is changed, and how. A diff also tells what was there before, which is not known of an image that is not there yet; a wait
 * changes nothing, and what is waited for may have come by itself.
 */
const essence = ({ id, changes }: Line) => [
  id,
  changes.filter((change) => change.is !== 'act' && change.is !== 'wait').map(({ diff: _, ...change }) => change),
];

test('a dry-run touches nothing, and shows what up then does', async () => {
  const cwd = scratch();
  const world = `simulated:${join(cwd, 'world')}`;
  await lab(['status', '--host', world], { cwd }); // makes the fresh dom0
  const before = tree(join(cwd, 'world'));
  const plan = await lab(['up', '--dry-run', '--json', '--host', world], { cwd });
  expect(plan.code).toBe(0);
  expect(tree(join(cwd, 'world'))).toEqual(before);
  const shown = lines(plan.stdout).filter(({ event }) => event === 'step');
  const done = lines((await lab(['up', '--json', '--host', world], { cwd })).stdout).filter(
    ({ event }) => event === 'step',
  );
  expect(done.filter(({ verdict }) => verdict === 'failed')).toEqual([]);
  const made = new Map(done.map((line) => [line.id, line]));
  const exact = shown.filter(({ verdict }) => verdict === 'change');
  expect(exact.length).toBeGreaterThan(20);
  for (const line of exact) expect(essence(made.get(line.id) as Line)).toEqual(essence(line));
});

test('the lines of --json are those of the contract', async () => {
  const cwd = scratch();
  const run = await lab(['up', '--json', '--host', 'simulated:world'], { cwd });
  const all = lines(run.stdout);
  for (const line of all.slice(0, -1)) {
    expect(line).toMatchObject({
      event: 'step',
      id: expect.any(String),
      chapter: expect.stringMatching(/^\d+$/),
      host: expect.any(String),
      ms: expect.any(Number),
    });
    expect(['met', 'change', 'later', 'failed']).toContain(line.verdict);
    expect(Array.isArray(line.changes)).toBe(true);
  }
  const count = (verdict: string) => all.filter((line) => line.verdict === verdict).length;
  expect(all.at(-1)).toEqual({ event: 'summary', met: count('met'), changed: count('change'), later: 0, failed: 0 });
  const again = await lab(['up', '--json', '--host', 'simulated:world'], { cwd });
  expect(lines(again.stdout).at(-1)).toMatchObject({ changed: 0, later: 0, failed: 0 });
});

test('a failed step ends with 1, says how to go on, and up goes on', async () => {
  const cwd = scratch();
  const failed = await lab(['up', '--host', 'simulated:world'], { cwd, LAB_FAULT: 'fail:12' });
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain('LAB_FAULT: change 12');
  expect(failed.stderr).toContain('To go on from there: lab up --host simulated:world');
  expect((await lab(['up', '--host', 'simulated:world'], { cwd })).code).toBe(0);
});

test.each(['down', 'destroy', 'fence-test'])(
  'lab %s without a sandbox says that it does not run, and what to do',
  async (command) => {
    const agreed = command === 'destroy' ? ['--yes'] : [];
    const run = await lab([command, '--host', 'sandbox', ...agreed], { cwd: scratch() });
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('the sandbox does not run: lab sandbox up');
  },
);

test.each([
  ['gests: {}\n', /bad\.yaml:1:1: .*gests/s],
  ['guests: {molly: {memory: 10GG}}\n', /bad\.yaml:1:26: .*10GG/s],
  ['guests: [\n', /bad\.yaml:\d+:\d+: /],
])('bad input ends with 2 and a place: %j', async (text, message) => {
  const cwd = scratch();
  writeFileSync(join(cwd, 'bad.yaml'), text);
  const run = await lab(['up', '--file', 'bad.yaml', '--host', 'simulated:world'], { cwd });
  expect(run.code).toBe(2);
  expect(run.stderr).toMatch(message);
  expect(Object.keys(tree(cwd))).toEqual(['/bad.yaml']);
});

test.each([
  ['a missing file', ['up', '--file', 'nope.yaml'], /nope\.yaml: there is no such file/],
  ['a directory', ['up', '--file', '.'], /is a directory/],
  ['an unknown host', ['up', '--host', 'mars'], /found "mars", expected local, sandbox/],
  ['an unknown flag', ['up', '--nope'], /unknown option '--nope'/],
  ['an unknown command', ['upp'], /Did you mean up/],
  ['an unknown chapter', ['up', '--only', '77', '--host', 'simulated:world'], /expected a chapter: 0, 1, 2/],
  ['an unknown guest', ['ssh', 'felix', '--host', 'simulated:world'], /expected a guest of lolcats: molly, frederick/],
])('%s ends with 2', async (_, args, message) => {
  const run = await lab(args, { cwd: scratch() });
  expect(run.stderr).toMatch(message);
  expect(run.code).toBe(2);
});
