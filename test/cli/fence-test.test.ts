import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { copyLabThatIsUp, lab, lines, scratch } from './process.ts';

const on = ['--host', 'simulated:world'];

describe('a guest that was really fenced is brought back in', { timeout: 60_000 }, () => {
  let cwd = '';
  beforeAll(async () => {
    cwd = mkdtempSync(join(tmpdir(), 'lab-cli-'));
    await copyLabThatIsUp(cwd);
    return () => rmSync(cwd, { recursive: true, force: true });
  }, 60_000);

  test.each([
    '--real frederick --off --direct',
    '--crash frederick',
    // The one whose fencing waits, the first guest, has to live.
    '--split',
  ])('%s', async (asked) => {
    const run = await lab(['fence-test', ...asked.split(' '), '--yes', ...on], { cwd });
    expect(run.stderr + (run.code === 0 ? '' : run.stdout)).toBe('');
    expect(run.stdout).toContain('frederick was fenced, molly stayed quorate and wrote on');
    expect(run.stdout).toMatch(/frederick booted again and is back in the cluster, \d+ s after it began/);
    const [, path = ''] = /^Report: .*, (.*\.json)$/m.exec(run.stdout) ?? [];
    const report = JSON.parse(readFileSync(path, 'utf8'));
    expect(report).toMatchObject({ lab: 'lolcats', passed: true, fenced: 'frederick' });
    const { detectedMs, fencedMs, wroteOnMs, rejoinedMs } = report.measured;
    const times = [detectedMs, fencedMs, wroteOnMs, rejoinedMs];
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(existsSync(path.replace('.json', '.txt'))).toBe(true);
    const again = await lab(['up', '--json', ...on], { cwd });
    expect(lines(again.stdout).at(-1)).toMatchObject({ changed: 0, later: 0, failed: 0 });
  });

  test('one that cannot begin says so at once', async () => {
    // After a file and a sync on each guest: the fifth command is the one that strikes.
    const asked = ['--crash', 'frederick', '--by', 'destroy', '--yes', '--json', ...on];
    const run = await lab(['fence-test', ...asked], { cwd, LAB_FAULT: 'refuse:5' });
    expect(run.code).toBe(1);
    expect(lines(run.stdout).at(-1)).toMatchObject({
      passed: false,
      verdict: expect.stringMatching(/^beginning: .*virsh.* destroy frederick ended with 1/),
    });
    expect(lines((await lab(['up', '--json', ...on], { cwd })).stdout).at(-1)).toMatchObject({ changed: 0, failed: 0 });
  });

  test('a test that fails names the cause that the doctor finds', async () => {
    writeFileSync(join(cwd, 'world/frederick/etc/cluster/fence_xvm.key'), 'of another lab');
    const run = await lab(['fence-test', ...on], { cwd });
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/layer "keys": .*frederick.* \(keys-differ\); the test said: /);
  });
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
  const alone = await lab(['fence-test', '--direct', ...on], { cwd });
  expect(alone).toMatchObject({ code: 2, stderr: expect.stringContaining('choose one of') });
});

test('a cluster that is not whole is not put to the test', async () => {
  const cwd = scratch();
  await lab(['up', '--only', '0', ...on], { cwd });
  const run = await lab(['fence-test', '--real', 'frederick', '--yes', ...on], { cwd });
  expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('not as lab.yaml says, and nobody is fenced') });
  expect(run.stdout).not.toContain('Report:');
});
