import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LabHosts } from '../../src/hosts/lab-hosts.ts';
import { Held, Unreachable } from '../../src/model/errors.ts';

/* The lock of a lab, held by the shell through which dom0 is looked at: here this machine's. */

let directory: string;
const opened: LabHosts[] = [];
const at = (name: string) => join(directory, name);
const open = () => {
  const hosts = new LabHosts({ dom0: 'local', guests: new Map() });
  opened.push(hosts);
  return hosts;
};
const lock = (hosts: LabHosts, said: string[] = []) =>
  hosts.lock('dom0', at('run/lab.lock'), 'me, since noon', (says) => said.push(says));
const isFree = async () => (await execa('flock', ['-n', at('run/lab.lock'), 'true'], { reject: false })).exitCode === 0;
/** A look that goes on until it is ended. */
const endless = (hosts: LabHosts) => hosts.host('dom0').read(['tail', '-f', at('endless')]);
const isAt = async (name: string) => (await execa('pgrep', ['-f', at(name)], { reject: false })).exitCode === 0;

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'lab-lock-'));
  fs.writeFileSync(at('endless'), '');
});
afterEach(async () => {
  for (const hosts of opened.splice(0)) await hosts.close();
  fs.rmSync(directory, { recursive: true, force: true });
});

test('one at a time has it; it tells who, and is free when it is let go', async () => {
  const first = await lock(open());
  expect(fs.readFileSync(at('run/lab.lock'), 'utf8')).toBe('me, since noon');
  const second = lock(open());
  await expect(second).rejects.toThrow(Held);
  await expect(second).rejects.toThrow('another run holds the lab: me, since noon');
  await first.release();
  expect([await isFree(), fs.readFileSync(at('run/lab.lock'), 'utf8')]).toEqual([true, '']);
  const last = await lock(open());
  await last.release(true);
  await last.release();
  expect(fs.existsSync(at('run'))).toBe(false);
});

test('it goes with whoever held it, and with its connection', async () => {
  const hosts = open();
  const taken = await lock(hosts);
  const lost = new Promise<void>((resolve) => taken.onLost(resolve));
  const children = (await execa('pgrep', ['-P', String(process.pid)])).stdout.split('\n');
  const holder = children.find(
    (pid) => fs.existsSync(`/proc/${pid}/fd/9`) && fs.readlinkSync(`/proc/${pid}/fd/9`) === at('run/lab.lock'),
  );
  process.kill(Number(holder), 'SIGKILL');
  await lost;
  expect(await isFree()).toBe(true);
  // It was closed, not lost.
  const other = open();
  let told = false;
  (await lock(other)).onLost(() => (told = true));
  await other.close();
  expect([await isFree(), told]).toEqual([true, false]);
});

test('looks that are broken off leave it, and end with it', async () => {
  const hosts = open();
  const taken = await lock(hosts);
  const slow = endless(hosts);
  slow.catch(() => {});
  await expect.poll(() => isAt('endless'), { timeout: 60_000 }).toBe(true);
  hosts.kill();
  await expect(slow).rejects.toThrow(Unreachable);
  expect((await hosts.host('dom0').read(['uname'])).code).toBe(0);
  expect(await isFree()).toBe(false);
  await taken.release();
  expect(await isFree()).toBe(true);
  await expect.poll(() => isAt('endless'), { timeout: 60_000 }).toBe(false);
});

test('what a killed run began is waited for, and who looks meanwhile waits too', async () => {
  fs.mkdirSync(at('run'));
  const before = execa('flock', ['-s', at('run/lab.lock.work'), 'tail', '-f', at('endless')], { reject: false });
  await expect.poll(() => isAt('endless'), { timeout: 60_000 }).toBe(true);
  const [hosts, said] = [open(), [] as string[]];
  const taken = lock(hosts, said);
  const look = hosts.host('dom0').readFile(at('run/lab.lock'));
  await expect.poll(() => said, { timeout: 60_000 }).toHaveLength(1);
  expect(said[0]).toContain('a command of a run that was killed is still at work on dom0');
  const { stdout } = await execa('pgrep', ['-f', `^tail -f ${at('endless')}`]);
  process.kill(Number(stdout), 'SIGTERM');
  await before;
  await taken;
  expect(await look).toEqual(Buffer.from('me, since noon'));
}, 120_000);

test('a lock that cannot be made is told by its path', async () => {
  fs.writeFileSync(at('run'), 'a file');
  const hosts = open();
  await expect(lock(hosts)).rejects.toThrow(`cannot take the lock ${at('run/lab.lock')}: `);
  await expect(hosts.host('dom0').read(['uname'])).resolves.toMatchObject({ code: 0 });
});
