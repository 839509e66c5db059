import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { head, headLength, type Index } from '../../src/cli/pieces.ts';
import { environmentIn, scratch } from './process.ts';

/* What V8 made of the bundle, kept by the build: src/cli/compiled.ts. */

const dist = resolve('dist');

/** Of how many chunks V8 took what was kept, and which it compiled. */
async function ran(directory: string, command: readonly string[], flags: readonly string[] = []) {
  const program = `const { compiled, taken } = require(${JSON.stringify(join(directory, 'compiled.js'))});
    compiled().main(process.argv).then((code) => {
      process.stderr.write(JSON.stringify({ code, taken: [...taken()] }));
    });`;
  const args = [...flags, '--eval', program, 'lab', ...command];
  const { stderr } = await execa(process.execPath, args, { cwd: directory, env: environmentIn(directory) });
  const { code, taken } = JSON.parse(stderr) as { code: number; taken: [string, boolean][] };
  const isTaken = taken.filter(([, was]) => was).length;
  return { code, taken: isTaken, compiled: taken.filter(([, was]) => !was).map(([name]) => name) };
}

const world = (directory: string) => ['--host', `simulated:${join(directory, 'dom0')}`];
const dryRun = (directory: string, flags?: readonly string[]) =>
  ran(directory, ['up', '--dry-run', ...world(scratch())], flags);

function copy(): string {
  const directory = scratch();
  cpSync(dist, directory, { recursive: true });
  return directory;
}

function partsOf(bytes: Buffer): { index: Index; pieces: Buffer } {
  const length = Number(bytes.toString('latin1', 0, headLength));
  return {
    index: JSON.parse(bytes.toString('latin1', headLength, headLength + length)) as Index,
    pieces: bytes.subarray(headLength + length),
  };
}

const whole = (index: Index, pieces: Buffer) => Buffer.concat([Buffer.from(head(index)), pieces]);

test('is taken by the Node that built it', async () => {
  const { code, taken, compiled } = await dryRun(copy());
  expect({ code, compiled }).toEqual({ code: 0, compiled: [] });
  expect(taken).toBeGreaterThan(20);
});

test('lab status has its own', async () => {
  const directory = copy();
  const host = world(directory);
  rmSync(join(directory, 'others.cache'));
  expect(await ran(directory, ['up', '--yes', ...host])).toMatchObject({ code: 0, taken: 0 });
  const { code, taken, compiled } = await ran(directory, ['status', ...host]);
  expect({ code, compiled }).toEqual({ code: 0, compiled: [] });
  expect(taken).toBeGreaterThan(20);
});

describe('what cannot be taken costs time only', () => {
  const cache = (directory: string) => join(directory, 'others.cache');
  const spoiled: Record<string, (directory: string) => void> = {
    'not there': (directory) => rmSync(cache(directory)),
    empty: (directory) => writeFileSync(cache(directory), ''),
    'cut short in its index': (directory) =>
      writeFileSync(cache(directory), readFileSync(cache(directory)).subarray(0, 500)),
    'something else': (directory) => writeFileSync(cache(directory), 'x'.repeat(5000)),
  };
  test.each(Object.entries(spoiled))('%s', async (_, spoil) => {
    const directory = copy();
    spoil(directory);
    expect(await dryRun(directory)).toMatchObject({ code: 0, taken: 0 });
  });

  test('cut short', async () => {
    const directory = copy();
    writeFileSync(cache(directory), readFileSync(cache(directory)).subarray(0, 1_000_000));
    const { code, taken, compiled } = await dryRun(directory);
    expect({ code, some: taken > 0, others: compiled.length > 0 }).toEqual({ code: 0, some: true, others: true });
  });

  test('not V8’s', async () => {
    const directory = copy();
    const { index, pieces } = partsOf(readFileSync(cache(directory)));
    const [start, length] = index['main.cjs'] ?? [0, 0];
    writeFileSync(cache(directory), whole(index, pieces.fill('x', start, start + length)));
    expect(await dryRun(directory)).toMatchObject({ code: 0, compiled: ['main.cjs'] });
  });

  test('of another text', async () => {
    const directory = copy();
    const program = join(directory, 'program');
    const { index, pieces } = partsOf(readFileSync(program));
    const [start, length] = index['main.cjs'] ?? [0, 0];
    const longer = Buffer.concat([pieces, pieces.subarray(start, start + length), Buffer.from('\n')]);
    writeFileSync(program, whole({ ...index, 'main.cjs': [pieces.length, length + 1] }, longer));
    expect(await dryRun(directory)).toMatchObject({ code: 0, compiled: ['main.cjs'] });
  });

  test('with other flags', async () => {
    expect(await dryRun(copy(), ['--no-opt'])).toMatchObject({ code: 0, taken: 0 });
  });
});
