import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import type { Change } from '../../../src/model/change.ts';
import { seedSimulated } from '../../../src/hosts/simulated/index.ts';
import type { Gfs2, State } from '../../../src/hosts/simulated/state.ts';
import { cman } from '../../../src/stacks/cman.ts';
import { aMoment, documentLab, openWorld, type TestWorld } from './world.ts';

const lab = documentLab();
const shared = '/guests/shared.dsk';

/** A lab that is up, made once, of which each test has a copy. */
let model: Promise<string> | undefined;

async function makeModel(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'lab-gfs2-'));
  await seedSimulated(directory, { era: 'red-hat', hostname: 'ayanami' });
  const { failed } = await openWorld(directory).up();
  if (failed.length > 0) throw new Error(failed.map(({ id, failure }) => `${id}: ${failure?.message}`).join('\n'));
  return directory;
}

async function labThatIsUp(): Promise<TestWorld> {
  model ??= makeModel();
  const directory = mkdtempSync(join(tmpdir(), 'lab-gfs2-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  await execa('cp', ['-a', '--sparse=always', `${await model}/.`, directory]);
  return openWorld(directory);
}

type Draft = { -readonly [K in keyof State]: State[K] };

function change({ at }: TestWorld, how: (state: Draft) => void): void {
  const state = JSON.parse(readFileSync(at('', 'state.json'), 'utf8')) as Draft;
  how(state);
  writeFileSync(at('', 'state.json'), JSON.stringify(state));
}

/** What a step of chapter 10, or of `lab down`, still misses. */
async function missing({ hosts }: TestWorld, id: string): Promise<readonly Change[]> {
  const storage = lab.storage && cman.storage?.(lab, lab.storage, []);
  const step = [...(storage ?? []), ...cman.stop(lab, { isRunning: async () => true })].find((node) => node.id === id);
  if (step?.kind !== 'step') throw new Error(`there is no step ${id}`);
  const on = (name: string) => hosts.host(name);
  return step.check({ host: on(step.on), on, get: () => Promise.reject(new Error('nothing is asked for')) });
}

const argv = (changes: readonly Change[]) => changes.map((one) => ('argv' in one ? one.argv.join(' ') : one.is));

test('both guests mount it; then nothing is missing, and each sees what the other writes', async () => {
  const world = await labThatIsUp();
  const mounts = async (name: string) => String(await world.hosts.host(name).readFile('/proc/mounts'));
  const all = (await mounts('molly')) + (await mounts('frederick'));
  for (const jid of [0, 1]) expect(all).toContain(`gfs2 rw,noatime,nodiratime,hostdata=jid=${jid}:id=`);
  await world.sh('molly', 'touch /shared/from-molly');
  expect((await world.sh('frederick', 'ls -A /shared')).stdout).toBe('from-molly\n');
  for (const id of ['file-system', 'fstab-molly', 'mounted-molly', 'fstab-frederick', 'mounted-frederick'])
    expect(await missing(world, `10.${id}`), id).toEqual([]);
});

const gfs2: Gfs2 = { table: 'lolcats:shared', journals: 2, uuid: '00000000-0000-0000-0000-000000000000' };
const mkfs = 'mkfs.gfs2 -O -p lock_dlm -t lolcats:shared -j 2 /dev/xvdc';

/** Nothing is mounted, and the disk holds this. */
function reset(world: TestWorld, on: Gfs2 | undefined, bytes = '', at = 0): void {
  change(world, (state) => {
    for (const running of Object.values(state.running)) delete running.mounts;
    state.gfs2 = on ? { [shared]: on } : {};
  });
  rmSync(world.at('', `images${shared}`), { recursive: true, force: true });
  rmSync(world.at('dom0', shared));
  writeFileSync(world.at('dom0', shared), '');
  truncateSync(world.at('dom0', shared), 300 * 1024 ** 2);
  const disk = openSync(world.at('dom0', shared), 'r+');
  writeSync(disk, Buffer.from(bytes, 'latin1'), 0, bytes.length, at);
  closeSync(disk);
}

test('a blank disk gets one, and so does one on which a mkfs was cut short', async () => {
  const world = await labThatIsUp();
  reset(world, undefined);
  expect(argv(await missing(world, '10.file-system'))).toEqual([mkfs]);
  reset(world, { ...gfs2, unfinished: true });
  expect(argv(await missing(world, '10.file-system'))).toEqual([mkfs]);
  expect(await world.sh('molly', mkfs)).toMatchObject({ code: 0, stdout: expect.stringContaining('Journals:') });
  expect(await missing(world, '10.file-system')).toEqual([]);
});

test('a GFS2 that is another one’s is refused', async () => {
  const world = await labThatIsUp();
  for (const [found, says] of [
    [{ ...gfs2, table: 'catlols:shared' }, 'has the lock table catlols:shared, not lolcats:shared'],
    [{ ...gfs2, table: 'a:b', unfinished: true }, 'has the lock table a:b'],
  ] as const) {
    reset(world, found);
    await expect(missing(world, '10.file-system')).rejects.toThrow(says);
  }
});

test('anything else on the disk is refused', async () => {
  const world = await labThatIsUp();
  for (const [what, bytes, at] of [
    ['an ext3', '\x53\xef', 1080],
    ['a volume group', 'LABELONE', 512],
    ['an old RAID set', '\xfc\x4e\x2b\xa9', 300 * 1024 ** 2 - 128 * 1024],
    ['a partition table', '\x55\xaa', 510],
  ] as const) {
    reset(world, undefined, bytes, at);
    await expect(missing(world, '10.file-system'), what).rejects.toThrow('/dev/xvdc holds something else than a GFS2');
  }
});

test('what the other guest has mounted is not formatted', async () => {
  const world = await labThatIsUp();
  reset(world, { ...gfs2, unfinished: true });
  const own = { device: '/dev/xvdc', options: 'defaults', journal: 0 };
  change(world, ({ running }) =>
    Object.assign(running.frederick ?? {}, { mounts: [{ image: shared, at: '/mnt', gfs2: own }] }),
  );
  await expect(missing(world, '10.file-system')).rejects.toThrow('/dev/xvdc is mounted on frederick');
});

test('a line of one’s own stays, another one is refused, and a file without an end of line is not spoilt', async () => {
  const world = await labThatIsUp();
  // The init script passes over noauto.
  for (const line of ['/dev/xvdd /shared gfs2 defaults 0 0', '/dev/xvdc /shared gfs2 noauto 0 0']) {
    writeFileSync(world.at('molly', 'etc/fstab'), `${line}\n`);
    const says = `/etc/fstab on molly has another line for /shared: ${line}`;
    await expect(missing(world, '10.fstab-molly')).rejects.toThrow(says);
  }
  writeFileSync(world.at('molly', 'etc/fstab'), '/dev/xvdc\t/shared\tgfs2\tacl\t0 0\n');
  expect(await missing(world, '10.fstab-molly')).toEqual([]);
  writeFileSync(world.at('molly', 'etc/fstab'), '# mine\nLABEL=/ / ext3 defaults 1 1');
  const [line] = await missing(world, '10.fstab-molly');
  expect(line?.is === 'file' && String(Buffer.from(line.after))).toBe(
    '# mine\nLABEL=/ / ext3 defaults 1 1\n/dev/xvdc /shared gfs2 defaults,noatime,nodiratime 0 0\n',
  );
});

test('cman does not stop while it is mounted; lab down unmounts first', async () => {
  const world = await labThatIsUp();
  await world.sh('molly', 'service rgmanager stop');
  expect(await world.sh('molly', 'service cman stop')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('Device or resource busy'),
  });
  expect(argv(await missing(world, 'down.gfs2-molly'))).toEqual(['service gfs2 stop']);
  expect(await world.sh('molly', 'service gfs2 stop')).toMatchObject({ code: 0 });
  expect(await missing(world, 'down.gfs2-molly')).toEqual([]);
  expect(await world.sh('molly', 'service cman stop')).toMatchObject({ code: 0 });
});

test('the init script ends with 0 whatever happens: without cman, without a journal, for another cluster', async () => {
  const world = await labThatIsUp();
  for (const command of ['rgmanager stop', 'gfs2 stop', 'cman stop']) await world.sh('molly', `service ${command}`);
  const starts = async (says: string) => {
    const { code, stdout, stderr } = await world.sh('molly', 'service gfs2 start');
    expect([code, stdout.includes('[FAILED]'), stderr]).toEqual([0, true, expect.stringContaining(says)]);
    expect(argv(await missing(world, '10.mounted-molly'))).toEqual(['service gfs2 start']);
  };
  await starts('/sbin/mount.gfs2: gfs_controld not running\n');
  await world.sh('molly', 'service cman start');
  await aMoment();
  change(world, (state) => {
    state.gfs2[shared] = { ...gfs2, journals: 1 };
    const own = { device: '/dev/xvdc', options: 'defaults', journal: 0 };
    Object.assign(state.running.frederick ?? {}, { mounts: [{ image: shared, at: '/shared', gfs2: own }] });
  });
  await starts('Too many nodes mounting filesystem, no free journals\n');
  change(world, (state) => Object.assign(state.gfs2, { [shared]: { ...gfs2, table: 'catlols:shared' } }));
  await starts('fs is for a different cluster\n');
  change(world, (state) => Object.assign(state.gfs2, { [shared]: gfs2 }));
  expect(await world.sh('molly', 'service gfs2 start')).toMatchObject({ code: 0, stderr: '' });
  expect(await missing(world, '10.mounted-molly')).toEqual([]);
});

test('a guest that is fenced comes back without it, and lab up mounts it again', async () => {
  const world = await labThatIsUp();
  expect(await world.sh('frederick', 'fence_node molly')).toMatchObject({ code: 0 });
  await aMoment(4);
  expect(String(await world.hosts.host('molly').readFile('/proc/mounts'))).not.toContain('gfs2');
  expect(String(await world.hosts.host('frederick').readFile('/proc/mounts'))).toContain('/dev/xvdc /shared gfs2 ');
  expect((await world.up()).summary).toMatchObject({ failed: 0, later: 0 });
  expect(String(await world.hosts.host('molly').readFile('/proc/mounts'))).toContain('/dev/xvdc /shared gfs2 ');
});

test('what mkfs.gfs2 refuses', async () => {
  const world = await labThatIsUp();
  const refuses = async (options: string, says: string) =>
    expect(await world.sh('molly', `mkfs.gfs2 -O -p lock_dlm ${options} /dev/xvdc`)).toMatchObject({
      code: 1,
      stderr: `mkfs.gfs2: ${says}\n`,
    });
  await refuses('-t lolcats -j 2', 'locktable error: missing colon in the locktable');
  await refuses('-t lolcats:a-name-that-is-long -j 2', 'locktable error: filesystem name too long');
  await refuses('-t lolcats:shared -j 2', 'device /dev/xvdc is busy');
  await world.sh('molly', 'service gfs2 stop');
  await refuses('-t lolcats:shared -j 3', 'Device is too small (314572800 bytes)');
});
