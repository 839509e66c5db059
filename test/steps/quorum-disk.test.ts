import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { lab, scratch } from '../cli/process.ts';

// The cluster of the labs with a quorum disk, as a person reads it before there is anything: what goes into a guest's disk for it,
// and chapter 9.
test.each(['quorum-disk', 'document-quorum-disk'])('the dry-run of %s', async (name) => {
  const file = resolve(`test/faults/labs/${name}.yaml`);
  const run = await lab(['up', '--dry-run', '--host', 'simulated:world', '--file', file], { cwd: scratch() });
  expect(run.code).toBe(0);
  const text = run.stdout.replaceAll(/ +[\d.]+ m?s$/gm, '');
  const [inside = ''] =
    /^ +write \S*\/molly\/etc\/default\/sbd[^]*?(?=^ {11}write \S*\/etc\/corosync)/m.exec(text) ?? [];
  const [cluster = ''] = /^9 The cluster$[^]*?(?=\n10 |\n\d+ to change|$(?![^]))/m.exec(text) ?? [];
  expect(cluster).toContain('quorum disk');
  await expect(`${inside}${cluster}\n`).toMatchFileSnapshot(`golden/${name}.txt`);
});
