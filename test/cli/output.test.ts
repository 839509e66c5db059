import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { environmentIn, scratch } from './process.ts';

/* All that is told arrives, however slowly it is read. */

const guests = Array.from({ length: 16 }, (_, n) => `g${n + 1}: { memory: 128M }`).join(', ');

/**
 * What a command line prints in a directory with a lab of 16 guests: into a file, and into a pipe that is read byte by byte.
 * @param before what fills the pipe first
 * @param each what the reader does with each line before it reads on
 */
async function printed(command: string, { cwd = scratch(), before = ':', each = ':' } = {}) {
  writeFileSync(join(cwd, 'lab.yaml'), `guests: {${guests}}\n`);
  const lab = `"${process.execPath}" "${resolve('dist/lab.js')}" ${command}`;
  const sh = (script: string) => promisify(execFile)('sh', ['-c', script], { cwd, env: environmentIn(cwd) });
  await sh(`${lab} > told`);
  await sh(`{ ${before}; ${lab}; } | while IFS= read -r line; do ${each}; printf '%s\\n' "$line"; done > read`);
  return ['told', 'read'].map((name) => readFileSync(join(cwd, name), 'utf8'));
}

/** A pipe takes 64 KiB (pipe(7)). */
const more = 64 * 1024;

test('of a long dry-run', async () => {
  const untimed = (text: string) => text.replace(/ *(after |in )?[\d.]+ s\b/g, '');
  const [told = '', read] = (await printed('up --dry-run --host simulated:world')).map(untimed);
  expect(told.length).toBeGreaterThan(2 * more);
  expect(read).toBe(told);
});

test('of what a stream could not write at once: the pipe was full', async () => {
  // A process for each line takes longer than lab, which ends before the pipe is empty.
  const line = `${'y'.repeat(127)}\n`;
  const [told = '', read] = await printed('schema', {
    before: `yes ${line.trim()} | head -c ${more}`,
    each: 'env true',
  });
  expect(read).toBe(line.repeat(more / line.length) + told);
});

test('of a long file that is written at once', async () => {
  const long = `name = "Default"\n${'# a line that stays\n'.repeat(more / 8)}`;
  const cwd = scratch();
  writeFileSync(join(cwd, 'Default'), long);
  const [told, read] = await printed('rewrite Default --name molly', { cwd });
  expect(told).toBe(long.replace('Default', 'molly'));
  expect(read).toBe(told);
});
