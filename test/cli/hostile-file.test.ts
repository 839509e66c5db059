import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { realIo, rewrite } from '../../src/cli/commands/rewrite.ts';
import { loadLab } from '../../src/cli/lab-file.ts';
import { Journal } from '../../src/engine/journal.ts';
import { BadInput, LabError } from '../../src/model/errors.ts';
import { scratch } from './process.ts';

/* Files that are none: each is refused soon, with exit code 2. */

const isRoot = process.getuid?.() === 0;

const files: readonly (readonly [string, (path: string) => unknown, string])[] = [
  ['a directory', (path) => mkdirSync(path), 'is a directory, expected a lab.yaml'],
  ['a FIFO that nobody writes to', (path) => execa('mkfifo', [path]), 'is not a regular file, expected a lab.yaml'],
  ['a device without end', (path) => symlinkSync('/dev/zero', path), 'is not a regular file, expected a lab.yaml'],
  [
    '100 MB',
    (path) => (writeFileSync(path, ''), truncateSync(path, 1e8)),
    'has 100000000 bytes, expected at most 262144',
  ],
  [
    'megabytes that say they are none',
    (path) => symlinkSync('/proc/kallsyms', path),
    'has more than it says, expected at most',
  ],
  ['a link to nothing', (path) => symlinkSync('/nowhere/at/all', path), 'there is no such file'],
  ['a link to itself', (path) => symlinkSync(path, path), 'cannot be read: ELOOP'],
  [
    'Latin-1',
    (path) => writeFileSync(path, Buffer.from('name: a\nhost: caf\xe9\n', 'latin1')),
    ':2:10: found the byte 0xe9, expected UTF-8 text',
  ],
  ['NUL', (path) => writeFileSync(path, 'name: "a\0b"\nguests: {a: }\n'), ':1:7: name: found "a\\u{0}b", expected'],
];

describe('a lab.yaml that is', () => {
  test.each(files)('%s', async (_, make, says) => {
    const path = join(scratch(), 'lab.yaml');
    await make(path);
    const error: unknown = await loadLab(path)
      .then((read) => read())
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BadInput);
    expect((error as BadInput).exitCode).toBe(2);
    expect((error as BadInput).message).toContain(says);
  });
  test.skipIf(isRoot)('unreadable (root reads everything: skipped for root)', async () => {
    const path = join(scratch(), 'lab.yaml');
    writeFileSync(path, 'guests: {a: }');
    chmodSync(path, 0);
    await expect(loadLab(path)).rejects.toThrow('cannot be read: EACCES');
  });
  test.each([
    ['with a NUL', 'a\0b'],
    ['of 5000 characters', 'x'.repeat(5000)],
    ['below a file', 'lab.yaml/x'],
  ])('called by a name %s', async (_, name) => {
    writeFileSync(join(scratch(), 'lab.yaml'), '');
    await expect(loadLab(name)).rejects.toThrow(BadInput);
  });
});

test.each(['/dev/zero', '/nowhere', '/tmp', 'a\0b'])('lab rewrite %j', async (path) => {
  await expect(
    rewrite(path, { name: 'a' }, { ...realIo, stdout: { write: () => expect.unreachable() } }),
  ).rejects.toThrow(BadInput);
});

describe('a journal that is', () => {
  test('a directory', async () => {
    const journal = new Journal(scratch(), () => 'now');
    await expect(journal.unfinished()).rejects.toThrow(LabError);
    await expect(journal.add({ is: 'ended' })).rejects.toThrow(/cannot be used: EISDIR/);
  });
  test('cut short in its last line does not swallow the next one', async () => {
    const path = join(scratch(), 'journal.jsonl');
    await new Journal(path, () => 'first').add({ is: 'run', command: 'lab up' });
    truncateSync(path, 20);
    const next = new Journal(path, () => 'second');
    await next.add({ is: 'run', command: 'lab up' });
    await next.add({ is: 'started', id: '1.key' });
    const entries = await new Journal(path, () => 'third').entries();
    expect(entries.map(({ is, run }) => [is, run])).toEqual([
      ['run', 'second'],
      ['started', 'second'],
    ]);
  });
  test('huge, and garbage', async () => {
    const path = join(scratch(), 'journal.jsonl');
    const line = '{"is":"started","run":"a","at":"","id":"1.key"}\n';
    writeFileSync(path, `null\n5\n{"is":"toString"}\n\0\n${'['.repeat(100_000)}\n${line.repeat(50_000)}`);
    expect(await new Journal(path, () => 'now').entries()).toHaveLength(50_000);
  });
});
