import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Host } from '../../src/model/host.ts';
import type { Step } from '../../src/model/step.ts';
import type { Storage } from '../../src/spec/lab.ts';
import { quorumDisk } from '../../src/stacks/pacemaker-quorum-disk.ts';
import { storageProof } from '../../src/stacks/storage-proof.ts';
import { changingLab } from './coming-and-going.ts';
import { freshWorld, lab, labThatIsUp, lookAt, type TestWorld, withQuorumDisk } from './world.ts';

test('all guests mount one GFS2, and the proof leaves nothing there', async () => {
  const world = await labThatIsUp();
  await world.sh('molly', 'touch /shared/from-molly');
  expect((await world.sh('frederick', 'ls /shared')).stdout).toBe('from-molly\n');
  expect((await world.sh('molly', 'blkid -p -o export /dev/xvdc')).stdout).toContain('LABEL=lolcats:shared\n');
  expect((await world.sh('molly', 'ls -A /shared')).stdout).toBe('from-molly\n');
});

test('a proof whose files cannot be removed is none, and the next one removes them', async () => {
  const { hosts, sh } = await labThatIsUp();
  const proof = storageProof(lab, lab.storage as Storage, [], async () => 'uuid');
  const refusing = (name: string) => {
    const host = hosts.host(name);
    const run: Host['run'] = async (argv) => ({ argv, code: 1, stdout: '', stderr: 'Read-only file system' });
    return { name, run, readFile: host.readFile.bind(host), writeFile: host.writeFile.bind(host) } as Host;
  };
  const look = lookAt(hosts, 'molly');
  await expect(proof.run(refusing, look)).rejects.toThrow(/on molly: `rm -f .*\n.*Read-only file system/);
  expect((await sh('molly', 'ls -A /shared')).stdout).toBe('.cluster-lab-frederick\n.cluster-lab-molly\n');
  expect(await proof.run((name) => hosts.host(name), look)).toMatchObject({ passed: true });
  expect((await sh('molly', 'ls -A /shared')).stdout).toBe('');
});

test('what is on the disk already is never formatted', { timeout: 60_000 }, async () => {
  const world = await freshWorld();
  await world.sh('dom0', 'mkdir -p /guests');
  await world.sh('dom0', 'dd if=/dev/null of=/guests/shared.dsk bs=1 count=0 seek=41943040');
  await world.sh('dom0', 'apt-get install --yes e2fsprogs attr');
  expect(await world.sh('dom0', 'mke2fs -q -F -t ext4 /guests/shared.dsk')).toMatchObject({ code: 0 });
  await world.sh('dom0', 'setfattr -n user.cluster-lab -v lolcats /guests/shared.dsk');
  const { summary, failed } = await world.up();
  expect(summary.failed).toBe(1);
  expect(failed[0]).toMatchObject({ id: '10.file-system' });
  expect(failed[0]?.failure?.message).toBe('/dev/xvdc holds something else: ext4');
  expect((await world.sh('molly', 'blkid -p -o export /dev/xvdc')).stdout).toContain('TYPE=ext4\n');
});

test('a GFS2 of another cluster is refused', async () => {
  const world = await labThatIsUp();
  const path = world.at('', 'state.json');
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll('"lolcats:shared"', '"catlols:shared"'));
  const { failed } = await world.up();
  expect(failed[0]?.failure?.message).toContain('has the lock table catlols:shared, not lolcats:shared');
  expect(failed[0]?.failure?.hint).toContain('tunegfs2 -o locktable=lolcats:shared /dev/xvdc');
});

test('the lock manager does not start without fencing, and the disk is let go of', async () => {
  const world = await labThatIsUp();
  const off =
    '<crm_config><cluster_property_set id="cib-bootstrap-options"><nvpair id="cib-bootstrap-options-stonith-enabled" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>';
  expect((await world.sh('molly', 'cibadmin --modify --allow-create -o crm_config --xml-pipe', off)).code).toBe(0);
  expect((await world.sh('molly', 'ls /shared')).code).not.toBe(0);
  // lab up switches fencing on again.
  expect((await world.up()).summary).toMatchObject({ failed: 0, later: 0 });
  expect((await world.sh('molly', 'ls /shared')).code).toBe(0);
});

test(
  'a guest for whose journal there is no room is refused before anything is touched',
  { timeout: 120_000 },
  async () => {
    const { up, text } = await changingLab('pacemaker', '60M');
    expect((await up('a', 'b')).failed).toEqual([]);
    const refused = await up('a', 'b', 'c');
    expect(refused.failed).toHaveLength(1);
    expect(refused.failed[0]).toContain('one more journal takes 32 MiB, and /shared has 20 MiB free');
    expect(refused.changes).toEqual([]);
    expect(text('dom0', 'etc/xen/c')).toBeUndefined();
    expect((await up('a', 'b')).summary).toMatchObject({ changed: 0, failed: 0, later: 0 });
  },
);

const tied = withQuorumDisk(lab);

/** A lab that is up without sbd, where sbd is installed then: its package enables it, and its configuration names no disk. */
async function withSbd(): Promise<TestWorld> {
  const world = await labThatIsUp();
  expect((await world.sh('molly', 'apt-get install --yes sbd')).code).toBe(0);
  return world;
}

test('sbd that is not configured keeps pacemaker from starting', async () => {
  const { sh } = await withSbd();
  await sh('molly', 'systemctl stop corosync');
  expect(await sh('molly', 'systemctl start corosync')).toMatchObject({ code: 0 });
  const { code, stderr } = await sh('molly', 'systemctl start pacemaker');
  expect([code, stderr]).toEqual([1, expect.stringContaining('A dependency job for pacemaker.service failed.')]);
});

const steps = () => quorumDisk(tied, tied.guests[0] as never, []) as readonly Step[];
const check = async ({ hosts }: TestWorld, id: string) => {
  const step = steps().find((one) => one.id === id) as Step;
  return step.check(lookAt(hosts, step.on));
};

test('a guest without sbd, or without a watchdog', async () => {
  const world = await labThatIsUp();
  await expect(check(world, '9.sbd-molly')).rejects.toThrow('sbd is not installed on molly');
  await world.sh('molly', 'apt-get install --yes sbd');
  await expect(check(world, '9.sbd-molly')).rejects.toThrow('molly has no /dev/watchdog: softdog is not loaded');
});

test('a blank disk is taken, our own adopted, and nothing else touched', async () => {
  const world = await withSbd();
  const { sh } = world;
  const make = 'sbd -d /dev/xvdb -1 21 -4 42 create'.split(' ');
  expect(await check(world, '9.quorum-disk')).toMatchObject([{ argv: make }]);

  expect((await sh('molly', make.join(' '))).code).toBe(0);
  expect(await check(world, '9.quorum-disk')).toEqual([]);

  await sh('molly', 'sbd -d /dev/xvdb create');
  await expect(check(world, '9.quorum-disk')).rejects.toThrow(
    'the quorum disk /dev/xvdb has the time-outs 5 s (watchdog) and 10 s (msgwait); a token of 21000 ms needs 21 and 42',
  );

  // What is blank again may be taken again.
  await sh('dom0', 'dd if=/dev/zero of=/guests/quorum.dsk bs=1M count=10');
  expect(await check(world, '9.quorum-disk')).toHaveLength(1);
});

test.each([
  ['dd if=/dev/urandom of=/guests/quorum.dsk bs=1M count=10', '/dev/xvdb is not blank, and no quorum disk: '],
  ['mke2fs -q -F -t ext4 /guests/quorum.dsk', '/dev/xvdb holds something else: ext4'],
])('refused: %s', async (line, why) => {
  const world = await withSbd();
  await world.sh('dom0', 'apt-get install --yes e2fsprogs');
  expect((await world.sh('dom0', line)).code).toBe(0);
  await expect(check(world, '9.quorum-disk')).rejects.toThrow(why);
});

test('the disk of another cluster is refused', async () => {
  const world = await withSbd();
  await world.sh('molly', 'sbd -d /dev/xvdb -1 21 -4 42 create');
  await world.sh('molly', 'sbd -d /dev/xvdb allocate felix');
  await expect(check(world, '9.quorum-disk')).rejects.toThrow(
    '/dev/xvdb is the quorum disk of another cluster: its nodes are felix',
  );
});

test('a lab with a quorum disk, twice; sbd stops and starts with corosync', { timeout: 60_000 }, async () => {
  const world = await freshWorld(tied);
  const first = await world.up();
  expect(first.failed).toEqual([]);
  const { sh } = world;
  expect((await sh('molly', 'sbd -d /dev/xvdb dump')).stdout).toContain('Timeout (msgwait)  : 42\n');
  expect((await sh('frederick', 'sbd -d /dev/xvdb list')).stdout).toMatch(/^0\t\w+\tclear\t\n1\t\w+\tclear\t\n$/);
  expect((await world.up()).summary).toMatchObject({ changed: 0, later: 0, failed: 0 });

  expect(await sh('molly', 'systemctl stop sbd')).toMatchObject({ code: 4 });
  expect((await sh('molly', 'systemctl stop corosync')).code).toBe(0);
  expect((await sh('molly', 'systemctl is-active sbd')).stdout).toBe('inactive\n');
  expect((await sh('molly', 'systemctl start corosync')).code).toBe(0);
  expect((await sh('molly', 'systemctl is-active sbd')).stdout).toBe('active\n');
});
