import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localChannel } from '../../src/hosts/channel.ts';
import { diskDigestScript } from '../../src/hosts/scriptlets.ts';
import { ShellHost } from '../../src/hosts/shell-host.ts';

/* The file system in an image, with this machine’s own mke2fs and debugfs (e2fsprogs): nothing is mounted, and no root is needed. */

process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
const host = new ShellHost('local', async () => localChannel);
const text = Buffer.from('a line\ndebugfs: stat "/etc/forged"\nType: regular Mode: 0644 Size: 1\n');
let directory: string;
let image: string;

beforeAll(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'lab-image-'));
  image = join(directory, 'an image.img');
  const root = join(directory, 'root');
  fs.mkdirSync(join(root, 'etc/ssh'), { recursive: true });
  fs.writeFileSync(join(root, 'etc/hosts'), text, { mode: 0o644 });
  fs.writeFileSync(join(root, 'etc/key'), '', { mode: 0o600 });
  fs.symlinkSync('hosts', join(root, 'etc/link'));
  execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', root, image, '8192k']);
});
afterAll(async () => {
  await host.close();
  fs.rmSync(directory, { recursive: true });
});

test('all files that are asked about at once are one look', async () => {
  const disk = host.disk(image);
  const before = host.roundTrips;
  const [hosts, key, none, deeper, ssh, link, forged] = await Promise.all(
    ['/etc/hosts', '/etc/key', '/etc/none', '/no/where', '/etc/ssh', '/etc/link', '/etc/forged'].map(disk.stat),
  );
  expect(host.roundTrips - before).toBe(1);
  expect(hosts).toMatchObject({ kind: 'file', size: text.length, mode: 0o644 });
  expect(hosts?.modified).toBeGreaterThan(Date.now() / 1000 - 600);
  expect(key).toMatchObject({ kind: 'file', size: 0, mode: 0o600 });
  expect(ssh).toMatchObject({ kind: 'directory' });
  expect(link).toMatchObject({ kind: 'other' });
  expect([none, deeper, forged]).toEqual([undefined, undefined, undefined]);
});

const inMemory = () => fs.readdirSync('/dev/shm').filter((name) => name.startsWith('lab.'));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('bytes and digests', async () => {
  const disk = host.disk(image);
  expect(await disk.readFile('/etc/hosts')).toEqual(text);
  expect(await disk.readFile('/etc/none')).toBeUndefined();
  const [before, others] = [host.roundTrips, inMemory()];
  const many = [...Array(12).keys()].map((n) => `/etc/none-${n}`);
  const digests = await Promise.all(['/etc/hosts', ...many, '/etc/key', '/no/where'].map(disk.digest));
  expect(host.roundTrips - before).toBe(1);
  expect(digests).toEqual([sha256(text), ...many.map(() => undefined), sha256(Buffer.alloc(0)), undefined]);
  expect(inMemory().filter((name) => !others.includes(name))).toEqual([]);
});

test('an image that is not there, or holds no file system, holds no file', async () => {
  const blank = join(directory, 'blank');
  fs.writeFileSync(blank, Buffer.alloc(1024 ** 2));
  for (const path of [join(directory, 'none'), blank]) {
    expect(await host.disk(path).stat('/etc/hosts'), path).toBeUndefined();
    expect(await host.disk(path).digest('/etc/hosts'), path).toBeUndefined();
  }
});

test('a debugfs that did not answer is no file that is not there', async () => {
  const programs = join(directory, 'bin');
  fs.mkdirSync(programs);
  fs.writeFileSync(join(programs, 'debugfs'), '#!/bin/sh\nkill -9 $$\n', { mode: 0o755 });
  const before = process.env.PATH;
  process.env.PATH = `${programs}:${before}`;
  const other = new ShellHost('local', async () => localChannel);
  await expect(other.disk(image).stat('/etc/hosts')).rejects.toThrow('/etc/hosts');
  await expect(other.disk(image).digest('/etc/hosts')).rejects.toThrow('/etc/hosts');
  process.env.PATH = before;
  await other.close();
});

test('files that could not be counted are no files that are not there', async () => {
  const programs = join(directory, 'sums');
  fs.mkdirSync(programs);
  fs.writeFileSync(join(programs, 'sha256sum'), '#!/bin/sh\nkill -9 $$\n', { mode: 0o755 });
  const before = process.env.PATH;
  process.env.PATH = `${programs}:${before}`;
  const other = new ShellHost('local', async () => localChannel);
  await expect(other.disk(image).digest('/etc/hosts')).rejects.toThrow('/etc/hosts');
  expect(await other.disk(image).digest('/etc/none')).toBeUndefined();
  process.env.PATH = before;
  await other.close();
  const full = {
    code: 0,
    stdout: Buffer.from(`${'a'.repeat(64)} /etc/hosts\n`),
    stderr: 'dump: No space left on device while writing file',
  };
  expect(() => diskDigestScript(image, '/etc/hosts').read(full)).toThrow('No space left');
});
