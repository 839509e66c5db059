import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { destroy } from '../../recipes/destroy.ts';
import { recipes } from '../../recipes/index.ts';
import { course, dom0Tree } from './trees.ts';
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

test('destroy stops the cluster first, and leaves dom0 as it was before the first up', async () => {
  const [world, before] = await Promise.all([labThatIsUp(), freshWorld()]);
  await before.sh('dom0', 'apt-get install --yes attr fence-virt fence-virtd mmdebstrap');
  writeFileSync(world.at('dom0', 'guests/foreign.img'), 'mine');
  const { steps, failed } = await course(world.hosts, [destroy(lab)]);
  expect(failed).toEqual([]);
  const done = steps.filter(({ verdict }) => verdict === 'change').map(({ id }) => id);
  expect(done.indexOf('down.corosync-molly')).toBeLessThan(done.indexOf('destroy.domains'));
  expect((await world.sh('dom0', 'virsh list --all --name')).stdout.trim()).toBe('Domain-0');
  expect((await world.sh('dom0', 'systemctl is-active fence_virtd')).stdout).toBe('inactive\n');
  // Somebody has put a file there meanwhile: the directory stays, and goes with the last lab that uses it.
  const left = dom0Tree(world.at('dom0', ''));
  expect(left['/guests/foreign.img']).toBeDefined();
  // That of the lock goes with the lock, which a command holds, and this test does not.
  const { '/guests': _, '/guests/foreign.img': __, '/run/cluster-lab': ___, ...rest } = left;
  expect(rest).toEqual(dom0Tree(before.at('dom0', '')));
  expect(JSON.parse(readFileSync(world.at('', 'state.json'), 'utf8')).xattrs).toEqual({
    '/guests': { 'user.cluster-lab-directory': 'made' },
  });
});

test('the default image that comes with a sandbox bears no lab’s mark: it is used, and stays', async () => {
  const world = await labThatIsUp();
  await world.sh('dom0', 'setfattr -x user.cluster-lab /guests/default.img');
  const { steps } = await course(world.hosts, recipes(lab).slice(0, 5), { dry: true });
  expect(steps.filter(({ verdict }) => verdict !== 'met')).toEqual([]);
  const doomed = (await course(world.hosts, [destroy(lab)], { dry: true })).steps.flatMap(({ changes }) => changes);
  const removed = doomed.flatMap((change) => (change.is === 'command' && change.argv[0] === 'rm' ? change.argv : []));
  expect(removed).toContain('/guests/molly.img');
  expect(removed).not.toContain('/guests/default.img');
});
