import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { environmentIn, scratch } from './process.ts';

/* What V8 made of the bundle, kept by the build: src/cli/compiled.ts. */

const dist = resolve('dist');

/** Of how many files V8 took what was kept, and which it compiled, in a dry-run. */
async function dryRun(directory: string, flags: readonly string[] = []) {
  const args = ['node', 'lab', 'up', '--dry-run', '--host', `simulated:${join(scratch(), 'dom0')}`];
  const program = `const { compiled, taken } = require(${JSON.stringify(join(directory, 'compiled.js'))});
    compiled().main(${JSON.stringify(args)}).then((code) => {
      process.stderr.write(JSON.stringify({ code, taken: [...taken()] }));
    });`;
  const { stderr } = await execa(process.execPath, [...flags, '--eval', program], {
    cwd: directory,
    env: environmentIn(directory),
  });
  const { code, taken } = JSON.parse(stderr) as { code: number; taken: [string, boolean][] };
  const isTaken = taken.filter(([, was]) => was).length;
  return { code, taken: isTaken, compiled: taken.filter(([, was]) => !was).map(([file]) => file) };
}

function copy(): string {
  const directory = scratch();
  cpSync(dist, directory, { recursive: true });
  return directory;
}

test('is taken by the Node that built it', async () => {
  const { code, taken, compiled } = await dryRun(copy());
  expect({ code, compiled }).toEqual({ code: 0, compiled: [] });
  expect(taken).toBeGreaterThan(20);
});

describe('what cannot be taken costs time only', () => {
  const cache = (directory: string) => join(directory, 'main.cache');
  const spoiled: Record<string, (directory: string) => void> = {
    'not there': (directory) => rmSync(cache(directory)),
    empty: (directory) => writeFileSync(cache(directory), ''),
    'cut short': (directory) => writeFileSync(cache(directory), readFileSync(cache(directory)).subarray(0, 500)),
    'not V8’s': (directory) => writeFileSync(cache(directory), 'x'.repeat(5000)),
    'of another file': (directory) => appendFileSync(join(directory, 'main.cjs'), '\n'),
  };
  test.each(Object.entries(spoiled))('%s', async (_, spoil) => {
    const directory = copy();
    spoil(directory);
    expect(await dryRun(directory)).toMatchObject({ code: 0, compiled: ['main.cjs'] });
  });

  test('with other flags', async () => {
    expect(await dryRun(copy(), ['--no-opt'])).toMatchObject({ code: 0, taken: 0 });
  });
});
