import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { localChannel } from '../../src/hosts/channel.ts';
import { ShellHost } from '../../src/hosts/shell-host.ts';

// For real: a file system of 64 KiB, mounted for the test. Needs root.

const root = process.getuid?.() === 0;

function smallDisk(): string {
  const at = mkdtempSync(join(tmpdir(), 'lab-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at]);
  onTestFinished(() => {
    execFileSync('umount', [at]);
    rmSync(at, { recursive: true });
  });
  return at;
}

test.runIf(root)('a file that does not fit is not written, and the one that was there stays whole', async () => {
  const at = smallDisk();
  const host = new ShellHost('local', async () => localChannel);
  const path = join(at, 'etc/x');
  await host.writeFile(path, Buffer.from('before'), 0o600);
  await expect(host.writeFile(path, Buffer.alloc(200_000, 'x'), 0o600)).rejects.toThrow(`write ${path}`);
  expect(readFileSync(path, 'utf8')).toBe('before');
  expect(readdirSync(join(at, 'etc'))).toEqual(['x']);
  await host.close();
});

test('a file’s name is on the disk too when it counts as written', async () => {
  const at = mkdtempSync(join(tmpdir(), 'lab-sync-'));
  onTestFinished(() => rmSync(at, { recursive: true }));
  // A sync(1) that tells what it was asked for, and what had its name by then.
  writeFileSync(join(at, 'sync'), `#!/bin/sh\necho "$1: $(ls "$1")" > ${at}/synced\n`, { mode: 0o755 });
  const before = process.env.PATH;
  process.env.PATH = `${at}:${before}`;
  onTestFinished(() => {
    process.env.PATH = before;
  });
  const host = new ShellHost('local', async () => localChannel);
  await host.writeFile(join(at, 'd/file'), Buffer.from('text'), 0o644);
  expect(readFileSync(join(at, 'synced'), 'utf8')).toBe(`${at}/d: file\n`);
  await host.close();
});

test('a connection that stood and broke in the middle of a look is made anew', async () => {
  const at = mkdtempSync(join(tmpdir(), 'lab-broken-'));
  onTestFinished(() => rmSync(at, { recursive: true }));
  // The first look at it kills the shell that looks, as ssh dies with its network; the second finds that done.
  writeFileSync(join(at, 'tail'), `#!/bin/sh\n[ -e ${at}/done ] && echo seen && exit\n: > ${at}/done\nkill -9 0\n`, {
    mode: 0o755,
  });
  const before = process.env.PATH;
  process.env.PATH = `${at}:${before}`;
  onTestFinished(() => {
    process.env.PATH = before;
  });
  const host = new ShellHost('local', async () => localChannel);
  expect((await host.read(['uname'])).code).toBe(0);
  expect((await host.read(['tail'])).stdout).toBe('seen\n');
  await host.close();
});
