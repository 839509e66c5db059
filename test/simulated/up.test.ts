import { readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { freshWorld, lab, labThatIsUp } from './world.ts';

test('a fresh simulated dom0 becomes a lab, and a second run changes nothing', async () => {
  const world = await freshWorld();
  const first = await world.up();
  expect(first.failed).toEqual([]);
  expect(first.summary).toMatchObject({ failed: 0, later: 0 });
  expect(first.summary.changed).toBeGreaterThan(25);
  const before = readFileSync(world.at('', 'state.json'));
  const second = await world.up();
  expect(second.summary).toMatchObject({ changed: 0, later: 0, failed: 0 });
  expect(readFileSync(world.at('', 'state.json'))).toEqual(before);
}, 60_000);

test('a run that changes nothing costs at most three round trips per host', async () => {
  const world = await labThatIsUp();
  await world.up();
  for (const trips of Object.values(world.hosts.roundTrips())) expect(trips).toBeLessThanOrEqual(3);
});

test('each machine is a directory tree', async () => {
  const world = await labThatIsUp();
  expect(readFileSync(world.at('dom0', 'etc/xen/molly'), 'utf8')).toContain('name = "molly"');
  expect(readFileSync(world.at('molly', 'etc/corosync/corosync.conf'), 'utf8')).toContain('cluster_name: lolcats');
  expect(readFileSync(world.at('frederick', 'etc/hostname'), 'utf8')).toBe('frederick\n');
  expect(statSync(world.at('molly', 'etc/corosync/authkey')).mode & 0o777).toBe(0o400);
  const image = statSync(world.at('dom0', 'guests/molly.img'));
  expect(image.size).toBe(lab.image.bytes);
  expect(image.blocks * 512).toBeLessThan(1024 ** 2);
});

test('the cluster of a lab that is up, in the words of its tools', async () => {
  const { sh } = await labThatIsUp();
  const quorum = await sh('molly', 'corosync-quorumtool -s');
  expect(quorum).toMatchObject({ code: 0 });
  expect(quorum.stdout).toContain('Flags:            2Node Quorate WaitForAll');
  expect(quorum.stdout).toContain('Total votes:      2');
  expect((await sh('molly', 'crm_mon -1')).stdout).toContain('Online: [ frederick molly ]');
  expect((await sh('molly', 'stonith_admin -L')).stdout).toBe('fence-frederick\n1 fence device found\n');
  const monitor = await sh('frederick', 'crm_mon -1');
  expect(monitor.stdout).toMatch(/fence-molly\s+\(stonith:fence_xvm\):\s+Started frederick/);
  expect(monitor.stdout).toMatch(/fence-frederick\s+\(stonith:fence_xvm\):\s+Started molly/);
});

test('known_hosts and keys are those that ssh would take', async () => {
  const world = await labThatIsUp();
  const known = readFileSync(world.at('dom0', `var/lib/cluster-lab/${lab.name}/known_hosts`), 'utf8');
  const scanned = await world.sh('dom0', 'ssh-keyscan -T 3 -t ed25519 192.168.77.11');
  expect(known).toContain(scanned.stdout);
  expect((await world.sh('molly', 'uname -n')).stdout).toBe('molly\n');
});
