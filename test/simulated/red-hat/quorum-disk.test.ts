import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { quorumDisk } from '../../../src/stacks/cman-quorum-disk.ts';
import type { Guest, SharedDisk } from '../../../src/spec/lab.ts';
import { lookAt, withQuorumDisk } from '../world.ts';
import { aMoment, documentLab, domainFile, freshWorld, guestsThatRun, lolcats, type TestWorld } from './world.ts';

const tied = withQuorumDisk(documentLab());

test.each(['rhel5/os', 'rhel6'])(
  'the document’s lab with a quorum disk, %s, twice',
  { timeout: 60_000 },
  async (of) => {
    const world = await freshWorld({}, withQuorumDisk(documentLab(`http://ayanami.example/${of}`)));
    expect((await world.up()).failed).toEqual([]);
    const status = (await world.sh('molly', 'cman_tool status')).stdout;
    for (const line of ['Expected votes: 3', 'Quorum device votes: 1', 'Total votes: 3', 'Flags: '])
      expect(status.split('\n')).toContain(line);
    expect((await world.sh('molly', 'cman_tool nodes')).stdout).toMatch(/^ {3}0 {3}M {6}0 .* \/dev\/xvdb$/m);
    expect((await world.up()).summary).toMatchObject({ changed: 0, later: 0, failed: 0 });
  },
);

const check = ({ hosts }: TestWorld) =>
  quorumDisk(tied, tied.cluster.tieBreaker as SharedDisk, tied.guests[0] as Guest, []).check(lookAt(hosts, 'molly'));

/** Two guests made by hand, which share a blank disk. */
async function withDisk(): Promise<TestWorld> {
  const world = await guestsThatRun();
  const { sh, hosts } = world;
  await sh('dom0', 'dd if=/dev/null of=/guests/quorum.dsk bs=1 count=0 seek=10485760');
  for (const { name, uuid, mac } of tied.guests) {
    const text = domainFile(name, uuid, mac, ', "tap:aio:/guests/quorum.dsk,xvdb,w!"');
    await hosts.host('dom0').writeFile(`/etc/xen/${name}`, Buffer.from(text), 0o644);
    await sh('dom0', `xm destroy ${name}`);
    expect(await sh('dom0', `xm create /etc/xen/${name}`)).toMatchObject({ code: 0 });
  }
  await aMoment(3);
  return world;
}

test('“Good thinking.” is no quorum disk, though it ends with 0', async () => {
  const world = await withDisk();
  const make = ['mkqdisk', '-c', '/dev/xvdb', '-l', 'lolcats'];
  for (const input of ['', 'n\n', 'Y\n', 'yes'.toUpperCase()])
    expect(await world.sh('molly', make.join(' '), input)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/proceed \[N\/y\] \? Good thinking\.\n$/),
    });
  const [change] = await check(world);
  expect(change).toMatchObject({ argv: make, input: 'y\n' });
  expect((await world.sh('molly', make.join(' '), 'y\n')).stdout).toContain('status block for node 16...');
  expect(await check(world)).toEqual([]);
});

test('cut short, it is finished; of another label, or anything else, it is refused', async () => {
  const world = await withDisk();
  const death = () => {
    throw new Error('killed');
  };
  const make = ['mkqdisk', '-c', '/dev/xvdb', '-l', 'lolcats'] as const;
  const killed = world.hosts.host('molly').run(make, { input: 'y', midway: death });
  await expect(killed).rejects.toThrow('killed');
  expect((await world.sh('molly', 'mkqdisk -L')).stdout).toContain('Label:                lolcats\n');
  expect(await check(world)).toMatchObject([{ argv: make }]);

  await world.sh('molly', 'mkqdisk -c /dev/xvdb -l catlols', 'y\n');
  await expect(check(world)).rejects.toThrow('its label is catlols, not lolcats');

  await world.sh('dom0', 'dd if=/dev/urandom of=/guests/quorum.dsk bs=1M count=10');
  await expect(check(world)).rejects.toThrow('/dev/xvdb is not blank, and no quorum disk: ');
});

test('qdiskd: without cman, without its disk, and its vote', async () => {
  const world = await withDisk();
  const { sh, at } = world;
  expect(await sh('molly', 'service qdiskd start')).toMatchObject({ code: 1 });
  const quorumd = '<cman expected_votes="3"/><quorumd interval="1" tko="10" votes="1" label="lolcats"/>';
  for (const name of ['molly', 'frederick'])
    writeFileSync(at(name, 'etc/cluster/cluster.conf'), lolcats(41, quorumd, '<fence_daemon post_join_delay="60"/>'));
  // Whoever gave up waiting for the other finds it there the second time.
  await Promise.all(['molly', 'frederick'].map((name) => sh(name, 'service cman start')));
  for (const name of ['molly', 'frederick']) expect(await sh(name, 'service cman start')).toMatchObject({ code: 0 });
  expect(await sh('molly', 'service qdiskd start')).toMatchObject({ code: 1 });
  await sh('molly', 'mkqdisk -c /dev/xvdb -l lolcats', 'y\n');
  expect(await sh('molly', 'service qdiskd start')).toMatchObject({ code: 0 });
  await aMoment(3);
  expect((await sh('molly', 'service cman stop')).stdout).toContain('Device or resource busy');
  await sh('frederick', 'service cman stop');
  // Alone with the disk: two of three.
  expect((await sh('molly', 'cman_tool status')).stdout).toContain('Total votes: 2\nQuorum: 2  \n');
  await sh('molly', 'service qdiskd stop');
  expect((await sh('molly', 'cman_tool status')).stdout).toContain('Quorum: 2 Activity blocked\n');
});
