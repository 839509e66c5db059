import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fenceXvmd } from '../../src/fencing/fence-xvmd.ts';
import { Journal } from '../../src/engine/journal.ts';
import { up } from '../../src/engine/up.ts';
import type { Event, Failure } from '../../src/model/event.ts';
import type { Node } from '../../src/model/step.ts';
import { withoutNetworkManager } from '../../src/stacks/cman-guests.ts';
import { initService } from '../../src/stacks/init-service.ts';
import {
  documentLab,
  freshWorld,
  guestsThatRun,
  lolcats,
  londesktop,
  type TestWorld,
} from '../simulated/red-hat/world.ts';

/* What the recipes make of the failures of cman's day: each ends in words that name the cause, and what to do. */

const conf = 'etc/cluster/cluster.conf';

/** Runs steps on a world. @returns the failures */
async function failures(world: TestWorld, ...nodes: readonly Node[]): Promise<readonly Failure[]> {
  const failed: Failure[] = [];
  const journal = new Journal(join(world.directory, 'journal.jsonl'), () => 'test');
  await up({
    lab: 'lolcats',
    where: 'simulated',
    chapters: [{ id: '9', title: 'The cluster', nodes }],
    hosts: world.hosts,
    journal,
    proofs: journal,
    slowness: async () => 1,
    emit: (event: Event) => {
      if (event.event === 'step' && event.failure) failed.push(event.failure);
    },
  });
  return failed;
}

const start = (on: string) =>
  initService({ id: `9.cman-${on}`, title: '', section: '', on, after: [] }, { name: 'cman', running: true });

async function withConf(kind: string, text: string | undefined): Promise<TestWorld> {
  const world = await guestsThatRun(kind);
  writeFileSync(world.at('dom0', conf), londesktop);
  if (text !== undefined) for (const guest of ['molly', 'frederick']) writeFileSync(world.at(guest, conf), text);
  return world;
}

test.each([
  ['no cluster.conf', 'rhel5', undefined, /Starting c\w+.*cluster\.conf/s],
  ['a name that is no node', 'rhel5', lolcats().replaceAll('molly', 'felix'), /uname -n/],
  ['no quorum', 'rhel6', lolcats(1, '<cman expected_votes="2"/>'), /Waiting for quorum.*start cman on all/s],
])('%s: the stage that failed, and its usual cause', async (_, kind, text, hint) => {
  const world = await withConf(kind, text);
  const [failure] = await failures(world, start('molly'));
  expect(failure?.message).toContain('on molly: `service cman start` ended with exit code 1');
  expect(failure?.hint).toMatch(/^it failed at: /);
  expect(failure?.hint).toMatch(hint);
});

test('a configuration that does not validate', async () => {
  const world = await withConf('rhel6', lolcats().replace('<totem', '<tottem'));
  writeFileSync(world.at('molly', 'etc/sysconfig/cman'), 'CONFIG_VALIDATION="FAIL"\n');
  const [failure] = await failures(world, start('molly'));
  expect(failure?.hint).toMatch(/Starting cman.*fails to validate/s);
});

test('NetworkManager is seen before cman is started, and named if it is not', async () => {
  const world = await withConf('rhel6', lolcats());
  await world.sh('molly', 'chkconfig NetworkManager on');
  const guest = documentLab().guests[0];
  const [before] = guest ? await failures(world, withoutNetworkManager(guest, [])) : [];
  expect(before?.message).toContain('NetworkManager is on at boot on molly, and cman will not start beside it');
  expect(before?.hint).toContain('chkconfig NetworkManager off');
  const [failure] = await failures(world, start('molly'));
  expect(failure?.hint).toMatch(/Checking Network Manager.*chkconfig NetworkManager off/s);
});

test('a stale lock, and a start that was cut short, do not count as running', async () => {
  const world = await withConf('rhel5', lolcats());
  await world.sh('molly', 'touch /var/lock/subsys/cman');
  expect(await failures(world, start('molly'), start('frederick'))).toEqual([]);
  expect((await world.sh('molly', 'cman_tool nodes')).stdout).toMatch(/ M .*molly/);
  rmSync(world.at('molly', 'var/lock/subsys/cman'));
  const journal = new Journal(join(world.directory, 'journal.jsonl'), () => 'test');
  const verdicts: string[] = [];
  await up({
    lab: 'lolcats',
    where: 'simulated',
    chapters: [{ id: '9', title: '', nodes: [start('molly')] }],
    hosts: world.hosts,
    journal,
    proofs: journal,
    slowness: async () => 1,
    emit: (event: Event) => {
      if (event.event === 'step') verdicts.push(event.verdict);
    },
  });
  expect(verdicts).toEqual(['change']);
});

test('dom0 without its key: the fencing host does not run, and the key is asked for', async () => {
  const world = await freshWorld();
  const [, , service, listening] = fenceXvmd.steps(documentLab(), [], []);
  writeFileSync(world.at('dom0', conf), londesktop);
  const [failure] = service && listening ? await failures(world, service, listening) : [];
  expect(failure?.message).toContain('fence_xvm.key');
  expect(failure?.hint ?? failure?.message).toContain('/etc/cluster/fence_xvm.key');
});

test('a cluster of somebody else on dom0 is left alone', async () => {
  const world = await freshWorld();
  writeFileSync(world.at('dom0', conf), londesktop);
  const [configuration] = fenceXvmd.steps(documentLab(), [], []);
  const [failure] = configuration ? await failures(world, configuration) : [];
  expect(failure?.message).toContain("dom0's /etc/cluster/cluster.conf is there already, and lab did not make it");
  expect(failure?.hint).toContain('dom0Cluster: none');
});

test('fence_xvmd of 2006 cannot do without a cluster on dom0', async () => {
  const world = await freshWorld({ fenceXvmd: 'old' });
  const [able] = fenceXvmd.steps({ ...documentLab(), dom0Cluster: 'none' }, [], []);
  const [failure] = able ? await failures(world, able) : [];
  expect(failure?.message).toContain(
    '"Until 5.2 is out, if you wish to use fence_xvmd, you must create a cluster of one"',
  );
});
