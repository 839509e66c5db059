import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { judgeNullTest } from '../../../src/formats/fence-xvm.ts';
import { judgeXvmdLog } from '../../../src/formats/fence-xvmd.ts';
import { freshWorld, guestsThatRun, londesktop, type TestWorld } from './world.ts';

const log = '/var/log/xvmd.log';
const foreground = (flags = '-fdddd -LX') => `sh -c 'nohup fence_xvmd ${flags} > ${log} 2>&1 < /dev/null & echo $!'`;
const aim = 'fence_xvm -H frederick -ddd -o null';

async function listening(flags?: string): Promise<TestWorld> {
  const world = await guestsThatRun();
  expect((await world.sh('dom0', foreground(flags))).stdout).toMatch(/^\d+\n$/);
  return world;
}

const xvmdLog = ({ at }: TestWorld) => readFileSync(at('dom0', log), 'utf8');

test('the document’s test of fencing, both transcripts', async () => {
  const world = await guestsThatRun();
  const { sh, at } = world;
  writeFileSync(at('dom0', 'etc/cluster/cluster.conf'), londesktop);
  await sh('dom0', '/etc/init.d/cman start');
  expect(await sh('dom0', 'killall fence_xvmd')).toMatchObject({ code: 0 });
  await sh('dom0', foreground('-fdddd'));
  expect(xvmdLog(world)).toBe(`Debugging threshold is now 4
-- args @ 0x7ffff6601e20 --
  args->addr = 225.0.0.12
  args->domain = (null)
  args->key_file = /etc/cluster/fence_xvm.key
  args->op = 2
  args->hash = 2
  args->auth = 2
  args->port = 1229
  args->family = 2
  args->timeout = 30
  args->retr_time = 20
  args->flags = 1
  args->debug = 4
-- end args --
Reading in key file /etc/cluster/fence_xvm.key into 0x7ffff6600e20 (4096 max size)
Actual key length = 4096 bytesOpened ckpt vm_states
My Node ID = 1
Domain                   UUID                                 Owner State
------                   ----                                 ----- -----
Domain-0                 00000000-0000-0000-0000-000000000000 00001 00001
frederick                ef84f5cf-8589-41f6-8728-ac5170c42cbc 00001 00002
molly                    8d1a8210-69de-4c55-8cf8-deb2356fc7b2 00001 00002
Storing frederick
Storing molly
`);
  const table = xvmdLog(world).length;
  const { code, stdout } = await sh('molly', aim);
  expect(code).toBe(1);
  expect(stdout).toBe(`Debugging threshold is now 3
-- args @ 0x7fff5164af10 --
  args->addr = 225.0.0.12
  args->domain = frederick
  args->key_file = /etc/cluster/fence_xvm.key
  args->op = 0
  args->hash = 2
  args->auth = 2
  args->port = 1229
  args->family = 2
  args->timeout = 30
  args->retr_time = 20
  args->flags = 0
  args->debug = 3
-- end args --
Reading in key file /etc/cluster/fence_xvm.key into 0x7fff51649ec0 (4096 max size)
Actual key length = 4096 bytesIgnoring fe80::216:3eff:fe00:cffe: wrong family
Sending to 225.0.0.12 via 127.0.0.1
Sending to 225.0.0.12 via 192.168.77.11
Waiting for connection from XVM host daemon.
Issuing TCP challenge
Responding to TCP challenge
TCP Exchange + Authentication done... 
Waiting for return value from XVM host
Remote: Operation failed
`);
  expect(xvmdLog(world).slice(table)).toBe(`Request to fence: frederick
frederick is running locally
Plain TCP request
NULL operation: returning failure
Sending response to caller...
`);
  expect(judgeNullTest(stdout, code).passed).toBe(true);
  expect(judgeXvmdLog(xvmdLog(world).split('\n'), 'frederick').passed).toBe(true);
  const pid = (await sh('dom0', 'pidof fence_xvmd')).stdout.trim();
  expect(String(await world.hosts.host('dom0').readFile(`/proc/${pid}/cmdline`))).toBe('fence_xvmd\0-fdddd\0');
  await sh('dom0', `kill -INT ${pid}`);
  expect(await sh('dom0', 'pidof fence_xvmd')).toMatchObject({ code: 1 });
  expect(await sh('dom0', 'fence_xvmd')).toMatchObject({ code: 0 });
  expect(await sh('molly', aim)).toMatchObject({ stdout: expect.stringContaining('Remote: Operation failed') });
});

test('reboot makes the domain anew, off takes it away, others are unknown', async () => {
  const world = await listening();
  const { sh } = world;
  const id = (await sh('dom0', 'xm domid frederick')).stdout;
  expect(await sh('molly', 'fence_xvm -H frederick')).toMatchObject({
    code: 0,
    stdout: 'Remote: Operation was successful\n',
  });
  expect((await sh('dom0', 'xm domid frederick')).stdout).not.toBe(id);
  expect(await sh('molly', 'fence_xvm -H frederick -o off')).toMatchObject({ code: 0 });
  expect(await sh('dom0', 'xm list frederick')).toMatchObject({ code: 1 });
  expect(await sh('molly', 'fence_xvm -H frederick -o off')).toMatchObject({
    code: 1,
    stdout: 'Timed out waiting for response\n',
  });
  expect(await sh('molly', 'fence_xvm -H molly -o status')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Unsupported operation: status'),
  });
});

test('without -L it waits for cman, and prints nothing more', async () => {
  const world = await listening('-fdddd');
  const { sh, at } = world;
  expect(xvmdLog(world)).toMatch(/Actual key length = 4096 bytes$/);
  expect(await sh('molly', aim)).toMatchObject({ stdout: expect.stringContaining('Timed out waiting for response') });
  writeFileSync(at('dom0', 'etc/cluster/cluster.conf'), londesktop);
  await sh('dom0', 'service cman start');
  await sh('dom0', 'true');
  expect(xvmdLog(world)).toContain('Storing molly\n');
});

test.each([
  [
    'no key',
    async ({ sh }: TestWorld) => sh('dom0', 'rm -f /etc/cluster/fence_xvm.key'),
    '',
    'Could not read /etc/cluster/fence_xvm.key',
  ],
  ['no such interface', undefined, ' -I xenbr9', 'No such device'],
  ['another hypervisor', undefined, ' -U qemu:///system', 'unable to connect to hypervisor'],
  ['a second one', async ({ sh }: TestWorld) => sh('dom0', 'fence_xvmd -LX'), '', 'Address already in use'],
  ['an unknown flag', undefined, ' -Z', 'usage: fence_xvmd'],
])('fence_xvmd ends at once: %s', async (what, before, flags, says) => {
  const world = await guestsThatRun();
  await before?.(world);
  expect(await world.sh('dom0', `fence_xvmd -LX${flags}`)).toMatchObject({ code: 1 });
  if (what === 'a second one') await world.sh('dom0', 'true');
  await world.sh('dom0', foreground(`-fdddd -LX${flags}`));
  expect(xvmdLog(world)).toContain(says);
  expect((await world.sh('dom0', 'pidof fence_xvmd')).code).toBe(what === 'a second one' ? 0 : 1);
});

test('versions differ in their flags', async () => {
  const young = await freshWorld();
  const flags = async (world: TestWorld) =>
    [...(await world.sh('dom0', 'fence_xvmd -h')).stdout.matchAll(/^\s+(-[A-Za-z])\b/gm)]
      .map(([, flag]) => flag)
      .join('');
  expect(await flags(young)).toBe('-d-f-i-a-p-I-C-c-k-u-h-X-L-U-V');
  const old = await freshWorld({ fenceXvmd: 'old' });
  expect(await flags(old)).toBe('-d-f-i-a-p-C-c-k-u-h-V');
  expect(await old.sh('dom0', 'fence_xvmd -LX')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('usage: fence_xvmd'),
  });
});

test('another key: dropped, and logged', async () => {
  const world = await listening();
  writeFileSync(world.at('molly', 'etc/cluster/fence_xvm.key'), Buffer.alloc(4096, 7));
  expect(await world.sh('molly', aim)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('Timed out waiting for response\n'),
  });
  expect(xvmdLog(world)).toMatch(
    /Hash mismatch:\nPKT = [0-9a-f]{128}\nEXP = [0-9a-f]{128}\nKey mismatch; dropping packet\n$/,
  );
  await world.sh('molly', 'rm -f /etc/cluster/fence_xvm.key');
  const { stdout, code } = await world.sh('molly', aim);
  expect(judgeNullTest(stdout, code).layer).toBe('key in the guest');
});

test('the client that ends with 0 after a failed challenge', async () => {
  const world = await guestsThatRun('rhel5', { oldClientLies: true });
  await world.sh('dom0', foreground());
  writeFileSync(world.at('molly', 'etc/cluster/fence_xvm.key'), Buffer.alloc(4096, 7));
  const { code, stdout } = await world.sh('molly', aim);
  expect(code).toBe(0);
  expect(stdout).toContain('Issuing TCP challenge\nInvalid response to challenge\n');
  expect(judgeNullTest(stdout, code)).toMatchObject({ passed: false, layer: 'challenge' });
});

test('a client that could not be run is no refused challenge', () => {
  expect(judgeNullTest('Debugging threshold is now 3\nSegmentation fault\n', 139)).toEqual({
    passed: false,
    layer: 'request to dom0',
    says: 'fence_xvm ended before dom0 called back, with exit code 139: Segmentation fault',
  });
});

test('it hears the bridge that its interface is on', async () => {
  const world = await listening('-fdddd -LX -I xenbr0');
  expect((await world.sh('molly', aim)).stdout).toContain('Remote: Operation failed');
  await world.sh('dom0', 'killall fence_xvmd');
  await world.sh('dom0', foreground('-fdddd -LX -I peth0'));
  expect((await world.sh('molly', aim)).stdout).toContain('Timed out waiting for response');
});
