import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { destroy } from '../../../recipes/destroy.ts';
import { course, dom0Tree } from '../trees.ts';
import { documentLab, freshWorld } from './world.ts';

// http://ayanami.example/rhel5/os is test/document's and storage.test.ts's.
test.each(['http://ayanami.example/lvm', 'http://ayanami.example/rhel6'])(
  'the document’s dom0 becomes a lab with %s, and a second run changes nothing',
  async (location) => {
    const world = await freshWorld({}, documentLab(location));
    const first = await world.up();
    expect(first.failed.map(({ id, failure }) => `${id}: ${failure?.message}`)).toEqual([]);
    expect(first.summary).toMatchObject({ failed: 0, later: 0 });
    const before = readFileSync(world.at('', 'state.json'));
    const second = await world.up();
    expect(second.summary).toMatchObject({ changed: 0, later: 0, failed: 0 });
    expect(readFileSync(world.at('', 'state.json'))).toEqual(before);
  },
  60_000,
);

test('destroy leaves the document’s dom0 as it was', async () => {
  const [world, before] = await Promise.all([freshWorld(), freshWorld()]);
  expect((await world.up()).failed).toEqual([]);
  const { steps, failed } = await course(world.hosts, [destroy(documentLab())]);
  expect(failed).toEqual([]);
  const done = steps.filter(({ verdict }) => verdict === 'change').map(({ id }) => id);
  expect(done.indexOf('down.cman-molly')).toBeGreaterThanOrEqual(0);
  expect(done.indexOf('down.cman-molly')).toBeLessThan(done.indexOf('destroy.domains'));
  expect((await world.sh('dom0', 'xm list')).stdout).not.toMatch(/molly|frederick/);
  expect(await world.sh('dom0', 'pidof fence_xvmd')).toMatchObject({ code: 1 });
  const { '/var/run/cluster-lab': _, ...left } = dom0Tree(world.at('dom0', ''));
  expect(left).toEqual(dom0Tree(before.at('dom0', '')));
}, 60_000);
