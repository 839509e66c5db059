import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Applier } from '../../src/engine/apply.ts';
import { inSessions } from '../../src/engine/together.ts';
import { localChannel } from '../../src/hosts/channel.ts';
import { ShellHost } from '../../src/hosts/shell-host.ts';
import { type Change, command, file, sayChange, wait } from '../../src/model/change.ts';

const sessions = (...changes: readonly Change[]) => inSessions(changes).map((some) => some.map(sayChange));

test('brief changes share a session; what takes its time, has an input, or is watched has one of its own', () => {
  const made = command(['mkdir', '/a']);
  const renamed = command(['mv', '/b', '/c']);
  const written = file('/d', 0o600, 'text');
  expect(sessions(made, written, renamed)).toEqual([['mkdir /a', 'write /d', 'mv /b /c']]);
  expect(sessions(made, command(['apt-get', 'install', 'x']), written, renamed)).toEqual([
    ['mkdir /a'],
    ['apt-get install x'],
    ['write /d', 'mv /b /c'],
  ]);
  for (const more of [{ input: 'x' }, { grows: { path: '/e', bytes: 1 } }, { timeout: 5 }, { outlives: true as const }])
    expect(sessions(made, command(['dd', 'of=/e'], more), renamed)).toHaveLength(3);
  const act: Change = { is: 'act', says: 'act', act: async () => {} };
  expect(sessions(made, act, wait('wait'), renamed)).toEqual([['mkdir /a'], ['act'], ['wait'], ['mv /b /c']]);
});

test('after one whose output says whether to go on, another session begins', () => {
  const asked = command(['mv', '-i', '/a', '/b'], { declined: () => undefined });
  expect(sessions(command(['mkdir', '/a']), asked, command(['rm', '/c']))).toEqual([
    ['mkdir /a', 'mv -i /a /b'],
    ['rm /c'],
  ]);
});

test('however many there are, a session’s text fits one argument', () => {
  const many = Array.from({ length: 250 }, (_, n) => command(['rm', '-f', `/some/path/of/some/length/${n}`]));
  expect(inSessions(many).map(({ length }) => length)).toEqual([100, 100, 50]);
});

const applier = new Applier(undefined, async () => 1);

test('they are made on a host, told one by one, and the one that fails is the one that is blamed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lab-together-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const host = new ShellHost('here', async () => localChannel);
  const said: string[] = [];
  const changes = [
    command(['mkdir', join(directory, 'a')], { why: 'make a place' }),
    file(join(directory, 'a', 'b'), 0o600, 'text'),
    command(['rm', join(directory, 'missing')], { explain: ({ stderr }) => `because: ${stderr.split(': ')[0]}` }),
    command(['mv', join(directory, 'a', 'b'), join(directory, 'never')]),
  ];
  expect(applier.together(changes, host)).toEqual([changes]);
  await expect(applier.applyTogether(changes, host, (text) => void said.push(text))).rejects.toMatchObject({
    host: 'here',
    argv: ['rm', join(directory, 'missing')],
    code: 1,
    stderr: expect.stringContaining('No such file'),
    hint: 'because: rm',
  });
  expect(said).toEqual(['make a place', `write ${directory}/a/b`, `rm ${directory}/missing`]);
  expect(readFileSync(join(directory, 'a', 'b'), 'utf8')).toBe('text');
  expect(host.roundTrips).toBe(1);
});

test('with a fault each is one by itself, and on a host that has no sessions', () => {
  const changes = [command(['rm', '/a']), command(['rm', '/b'])];
  const host = new ShellHost('here', async () => localChannel);
  expect(new Applier({ how: 'fail', at: 9 }, async () => 1).together(changes, host)).toHaveLength(2);
  const { runAll: _, ...without } = { ...host, runAll: undefined };
  expect(applier.together(changes, without as never)).toHaveLength(2);
});
