import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Argv } from '../../src/model/host.ts';
import { freshWorld, labThatIsUp, openWorld, type TestWorld } from './world.ts';

/** A death in the middle of a command: nothing of it runs after midway. What is on the disk then is what is left. */
async function dieDuring(world: TestWorld, line: string, input = ''): Promise<TestWorld> {
  const death = () => {
    throw new Error('killed');
  };
  const run = world.hosts.host('dom0').run(line.split(' ') as [string] & Argv, { midway: death, input });
  await expect(run).rejects.toThrow('killed');
  JSON.parse(readFileSync(world.at('', 'state.json'), 'utf8'));
  return openWorld(world.directory);
}

test('virsh start: the domain exists, and is paused', async () => {
  const world = await labThatIsUp();
  await world.sh('frederick', 'systemctl stop corosync');
  await world.sh('dom0', 'virsh destroy frederick');
  const after = await dieDuring(world, 'virsh start frederick');
  expect(await after.sh('dom0', 'virsh domstate frederick')).toMatchObject({ stdout: 'paused\n\n' });
  await after.sh('dom0', 'virsh resume frederick');
  expect((await after.up()).summary.failed).toBe(0);
});

test('cp: half of the bytes, and no file system; the next try is whole', async () => {
  const world = await labThatIsUp();
  const copy = 'cp --reflink=auto --sparse=always --remove-destination /guests/default.img /guests/x.img';
  const after = await dieDuring(world, copy);
  const disk = after.hosts.host('dom0').disk('/guests/x.img');
  expect((await after.hosts.host('dom0').stat('/guests/x.img'))?.size).toBeLessThan(1024 ** 3);
  expect(await disk.readFile('/etc/hostname')).toBeUndefined();
  await after.sh('dom0', copy);
  expect(await disk.readFile('/etc/hostname')).toBeDefined();
});

test('mv: the rename happened, and mark and files go with it', async () => {
  const world = await labThatIsUp();
  await world.sh('dom0', 'setfattr -n user.cluster-lab -v felix /guests/default.img');
  const after = await dieDuring(world, 'mv -T /guests/default.img /guests/quorum.dsk');
  const dom0 = after.hosts.host('dom0');
  expect(await dom0.stat('/guests/default.img')).toBeUndefined();
  expect(await dom0.disk('/guests/quorum.dsk').readFile('/etc/debian_version')).toBeDefined();
  expect((await dom0.read(['getfattr', '--only-values', '-n', 'user.cluster-lab', '/guests/quorum.dsk'])).stdout).toBe(
    'felix',
  );
  await after.sh('dom0', 'true');
  expect(readdirSync(after.at('images', 'guests'))).toContain('quorum.dsk');
});

test('a file is written whole or not at all, and leaves nothing', async () => {
  const world = await freshWorld();
  const death = () => {
    throw new Error('killed');
  };
  const dom0 = world.hosts.host('dom0');
  await expect(dom0.writeFile('/etc/hostname', Buffer.from('felix\n'), 0o600, death)).rejects.toThrow('killed');
  expect(String(await dom0.readFile('/etc/hostname'))).toBe('dom0\n');
  await dom0.writeFile('/etc/hostname', Buffer.from('felix\n'), 0o600);
  expect(await dom0.stat('/etc/hostname')).toMatchObject({ mode: 0o600, size: 6 });
  expect(readdirSync(world.directory)).toEqual(['dom0', 'local', 'state.json']);
});

test('systemctl start: activating, and then systemd finishes it', async () => {
  const world = await labThatIsUp();
  await world.sh('dom0', 'systemctl stop fence_virtd');
  const after = await dieDuring(world, 'systemctl start fence_virtd');
  const slow = openWorld(world.directory, 60_000);
  const state = await slow.hosts.host('dom0').read(['systemctl', 'is-active', 'fence_virtd']);
  expect(state).toMatchObject({ code: 3, stdout: 'activating\n' });
  await new Promise((resolve) => setTimeout(resolve, 40));
  const looked = await after.hosts.host('dom0').read(['systemctl', 'is-active', 'fence_virtd']);
  expect(looked).toMatchObject({ code: 0, stdout: 'active\n' });
  expect(await after.sh('dom0', 'fence_xvm -o list')).toMatchObject({ code: 0 });
});

test('apt-get: unpacked is not installed', async () => {
  const world = await freshWorld();
  const after = await dieDuring(world, 'apt-get install --yes attr');
  const query = `dpkg-query -W -f $\{Package}=$\{db:Status-Status} attr`;
  expect((await after.sh('dom0', query)).stdout).toBe('attr=unpacked');
  await after.sh('dom0', 'apt-get install --yes attr');
  expect((await after.sh('dom0', query)).stdout).toBe('attr=installed');
});

test('the mark of a process that is gone holds nobody up', async () => {
  const world = await freshWorld();
  writeFileSync(world.at('', 'busy'), '4194305');
  expect(await world.sh('dom0', 'true')).toMatchObject({ code: 0 });
});

test('a second run is kept out by the lock, and told by whom', async () => {
  const { hosts } = await freshWorld();
  const lock = await hosts.lock('dom0', '/run/cluster-lab/x.lock', 'felix, since noon', () => {});
  await expect(hosts.lock('dom0', '/run/cluster-lab/x.lock', 'me', () => {})).rejects.toMatchObject({
    exitCode: 4,
    message: expect.stringContaining('felix, since noon'),
  });
  await lock.release();
  await (await hosts.lock('dom0', '/run/cluster-lab/x.lock', 'me', () => {})).release();
});
