import { expect, test } from 'vitest';
import { lab, lines, scratch } from './process.ts';

const on = ['--host', 'simulated:world'];

test('a guest that was really fenced is brought back in', { timeout: 60_000 }, async () => {
  const cwd = scratch();
  expect((await lab(['up', ...on], { cwd })).code).toBe(0);
  const run = await lab(['fence-test', '--real', 'frederick', '--off', '--yes', ...on], { cwd });
  expect(run.stderr + (run.code === 0 ? '' : run.stdout)).toBe('');
  expect(run.stdout).toContain('frederick was fenced, molly stayed quorate and wrote on');
  expect(run.stdout).toMatch(/whole again \d+ s after it began/);
  const again = await lab(['up', '--json', ...on], { cwd });
  expect(lines(again.stdout).at(-1)).toMatchObject({ changed: 0, later: 0, failed: 0 });
});

test('asks first, and knows what it can do', async () => {
  const cwd = scratch();
  const nobody = await lab(['fence-test', '--real', 'frederick', ...on], { cwd });
  expect(nobody).toMatchObject({ code: 2, stderr: expect.stringContaining('agree beforehand: --yes') });
  const unknown = await lab(['fence-test', '--real', 'fred', ...on], { cwd });
  expect(unknown).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('found "fred", expected a guest of lolcats'),
  });
  const both = await lab(['fence-test', '--real', 'molly', '--split', ...on], { cwd });
  expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('choose one of') });
});

test('a cluster that is not whole is not put to the test', async () => {
  const cwd = scratch();
  await lab(['up', '--only', '0', ...on], { cwd });
  const run = await lab(['fence-test', '--real', 'frederick', '--yes', ...on], { cwd });
  expect(run.code).toBe(1);
  expect(run.stdout).not.toContain('whole again');
});
