import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { localChannel } from '../../src/hosts/channel.ts';
import { ShellHost } from '../../src/hosts/shell-host.ts';
import type { Deed } from '../../src/model/host.ts';

/* Several deeds in one session, with the real sh and the real programs. */

const host = new ShellHost('local', async () => localChannel);
let directory: string;

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'lab-deeds-'));
  onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true }));
});

const at = (...names: readonly string[]) => join(directory, ...names);
const put = (bytes: string | Uint8Array, ...names: readonly string[]): Deed => ({
  path: at(...names),
  bytes: Buffer.from(bytes),
  mode: 0o640,
});

/** All bytes there are, and none that a shell would keep. */
const rubbish = Uint8Array.from({ length: 200_003 }, (_, n) => (n * 7 + (n >> 8)) & 0xff);

test('commands and files come one after the other, each file with its own bytes, in one session', async () => {
  const begun: number[] = [];
  const before = host.roundTrips;
  const ran = await host.runAll(
    [
      { argv: ['mkdir', '-m', '700', at('a b')] },
      put('one\n', 'a b', 'one'),
      put('', 'a b', 'empty'),
      put(rubbish, 'a b', 'it’s $HOME', 'rubbish'),
      { argv: ['cp', at('a b', 'one'), at('copy')] },
      put('two, no newline', 'a b', 'one'),
      { argv: ['cat', at('copy')] },
    ],
    { begins: (n) => void begun.push(n) },
  );
  expect(ran.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0, 0]);
  expect(ran.at(-1)).toEqual({ argv: ['cat', at('copy')], code: 0, stdout: 'one\n', stderr: '' });
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(host.roundTrips - before).toBe(1);
  expect(fs.readFileSync(at('a b', 'one'), 'utf8')).toBe('two, no newline');
  expect(fs.readFileSync(at('a b', 'empty'), 'utf8')).toBe('');
  expect(fs.readFileSync(at('a b', 'it’s $HOME', 'rubbish')).equals(rubbish)).toBe(true);
  expect(fs.statSync(at('a b', 'one')).mode & 0o777).toBe(0o640);
  expect(fs.readdirSync(at('a b')).sort()).toEqual(['empty', 'it’s $HOME', 'one']);
});

test('the first that fails is the last, and what it said is its own', async () => {
  const ran = await host.runAll(
    [
      { argv: ['sh', '-c', 'echo fine; echo odd >&2'] },
      { argv: ['ls', at('nowhere')] },
      { argv: ['touch', at('never')] },
    ],
    {},
  );
  expect(ran).toEqual([
    { argv: ['sh', '-c', 'echo fine; echo odd >&2'], code: 0, stdout: 'fine\n', stderr: 'odd\n' },
    { argv: ['ls', at('nowhere')], code: 2, stdout: '', stderr: expect.stringMatching(/^ls: .*nowhere/) },
  ]);
  expect(fs.existsSync(at('never'))).toBe(false);
});

test('a file that cannot be written is named, and what comes after is not done', async () => {
  fs.writeFileSync(at('file'), '');
  const deeds = [put('x', 'good'), put('x', 'file', 'below'), put('x', 'never')];
  await expect(host.runAll(deeds, {})).rejects.toThrow(`write ${at('file', 'below')}`);
  expect(fs.readdirSync(directory).sort()).toEqual(['file', 'good']);
});

test('a place that was sure is looked at again after a command', async () => {
  fs.mkdirSync(at('ours'));
  const opened: Deed = { argv: ['chmod', '777', at('ours')] };
  await expect(host.runAll([put('x', 'ours', 'one'), opened, put('x', 'ours', 'two')], {})).rejects.toMatchObject({
    message: `on local: ${at('ours', 'two')} was not written: ${at('ours')} can be written by everybody`,
  });
  expect(fs.readdirSync(at('ours'))).toEqual(['one']);
});

test('a dd that knows no full block takes nothing of what comes after', async () => {
  fs.writeFileSync(
    at('dd'),
    '#!/bin/sh\ncase $* in *iflag*) echo "dd: invalid input flag: \\`fullblock\'" >&2; exit 1 ;; esac\nexec /bin/dd "$@"\n',
    { mode: 0o755 },
  );
  const old = new ShellHost('old', async () => ({
    ...localChannel,
    wrap: (argv) => ['env', `PATH=${directory}:${process.env['PATH']}`, ...argv],
  }));
  await old.runAll([put('one', 'one'), put('', 'empty'), put('three', 'three')], {});
  expect(['one', 'empty', 'three'].map((name) => fs.readFileSync(at(name), 'utf8'))).toEqual(['one', '', 'three']);
});

test('what is under way ends with its time', async () => {
  const [ran] = await host.runAll([{ argv: ['sleep', '60'] }, { argv: ['touch', at('never')] }], { timeout: 300 });
  expect(ran).toMatchObject({ argv: ['sleep', '60'], code: 124 });
});

test('when nobody listens any more, the next is not begun', async () => {
  // As ssh leaves a command on the other side: its stdout is closed, its stdin ends.
  const fifo = at('go');
  await execa('mkfifo', [fifo]);
  let script: readonly string[] = [];
  const recorder = new ShellHost('recorder', async () => ({
    ...localChannel,
    wrap: (argv) => ((script = argv), ['true']),
  }));
  const deeds: readonly Deed[] = [
    { argv: ['cat', fifo] },
    { argv: ['touch', at('first')] },
    { argv: ['touch', at('never')] },
  ];
  await recorder.runAll(deeds, {}).catch(() => {});
  const [program = '', ...rest] = script;
  const child = execa(program, rest, { reject: false, buffer: false, stdin: 'ignore' });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.stdout.destroy();
  child.stderr.destroy();
  fs.writeFileSync(fifo, '');
  await child;
  expect(fs.existsSync(at('first'))).toBe(false);
  expect(fs.existsSync(at('never'))).toBe(false);
});
