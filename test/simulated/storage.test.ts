import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { freshWorld, labThatIsUp } from './world.ts';

test('all guests mount one GFS2, and the proof leaves nothing there', async () => {
  const world = await labThatIsUp();
  await world.sh('molly', 'touch /shared/from-molly');
  expect((await world.sh('frederick', 'ls /shared')).stdout).toBe('from-molly\n');
  expect((await world.sh('molly', 'blkid -p -o export /dev/xvdc')).stdout).toContain('LABEL=lolcats:shared\n');
  expect((await world.sh('molly', 'ls -A /shared')).stdout).toBe('from-molly\n');
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
