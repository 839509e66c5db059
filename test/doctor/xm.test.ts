import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { documentLab, freshWorld } from '../simulated/red-hat/world.ts';
import { doctor, told } from './help.ts';

const lab = documentLab();

test('the document’s lab: the layers that it has, and their causes', async () => {
  const world = await freshWorld();
  const { failed } = await world.up();
  expect(failed.map(({ id, failure }) => `${id}: ${failure?.message}`)).toEqual([]);
  const healthy = await doctor(world, {}, lab);
  expect(healthy.diagnosis.allHold, told(healthy.findings)).toBe(true);
  expect(healthy.findings.map(({ layer }) => layer)).toEqual([
    ...['dom0', 'bridge', 'guests', 'addresses', 'fence_xvmd', 'listener', 'keys', 'multicast'],
    ...['dom0 firewall', 'guest firewalls', 'guest ports', 'path', 'cluster configuration', 'cluster', 'clocks'],
  ]);
  const causeAfter = async (line: string, machine = 'dom0') => {
    await world.sh(machine, line);
    return (await doctor(world, {}, lab)).cause;
  };
  expect(await causeAfter('service rgmanager stop', 'frederick')).toBeUndefined();
  // While the GFS2 is mounted cman does not leave.
  await world.sh('frederick', 'service gfs2 stop');
  expect(await causeAfter('service cman stop', 'frederick')).toBe('cluster-stopped');
  writeFileSync(world.at('frederick', '/etc/cluster/cluster.conf'), '<cluster name="other" config_version="1"/>');
  expect(await causeAfter('true')).toBe('cluster-configuration-differs');
  writeFileSync(world.at('molly', lab.fencing.key), Buffer.alloc(4096, 7));
  expect(await causeAfter('true')).toBe('keys-differ');
  expect(await causeAfter('killall fence_xvmd')).toBe('fence_xvmd-stopped');
  expect(await causeAfter('xm destroy molly')).toBe('guest-off');
});

test('a dom0 of the document’s day on which nothing was built yet', async () => {
  const { cause, findings } = await doctor(await freshWorld(), {}, lab);
  expect(cause, told(findings)).toBe('guest-not-defined');
});
