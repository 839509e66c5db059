import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { BadInput, LabError } from '../../src/model/errors.ts';

/** Cases of each property in `npm run test:fuzz`. */
export const cases = {
  'lab.yaml, mutated': 12_000,
  'lab.yaml, other values': 8000,
  'domain file': 12_000,
  'domain file, edited twice': 8000,
  'disk and network cards': 8000,
  'formats that lab reads': 48_000,
  'a scriptlet’s answer': 8000,
  journal: 4000,
  'lab.yaml as bytes on disk': 2000,
  'hostile answers': 6000,
  'up on hostile answers': 60,
} as const;

/** All of them in the project `fuzz`; in `npm test` a sample, always the same. */
const full = process.env.FUZZ === 'full';
export const seed = Number(process.env.FUZZ_SEED ?? (full ? Date.now() % 2 ** 31 : 1));
/** Of the cases: a sample is so small. FUZZ_SHARE: fewer, or more than all. */
const share = full ? Number(process.env.FUZZ_SHARE ?? 1) : 1 / 400;
let tried = 0;

/** Runs a property, and reports how to run the very same cases again. `atLeast`: cases of the sample. */
export function fuzz<Ts>(
  name: keyof typeof cases,
  property: fc.IProperty<Ts> | fc.IAsyncProperty<Ts>,
  { atLeast = 10, weight = 1 } = {},
): void {
  const numRuns = Math.ceil(Math.max(full ? 1 : atLeast, cases[name] * share) * weight);
  test(
    `${name}: ${numRuns} cases`,
    async () => {
      tried += numRuns;
      await fc.assert(property as fc.IAsyncProperty<Ts>, { numRuns, seed });
    },
    full ? 1_800_000 : 60_000,
  );
}

afterAll(() => {
  if (full) process.stdout.write(`fuzz: ${tried} cases; the same again: FUZZ_SEED=${seed} npm run test:fuzz\n`);
});

/** Longer than the slowest text of 100 kB takes here, and far from a hang (ms). */
const soon = 5000;

/** What `read` makes of it; undefined if it refuses. Whatever else it throws goes through, and so does a look that does not end soon. */
export function orBadInput<T>(read: () => T): T | undefined {
  const began = performance.now();
  try {
    return read();
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    expect(error.complaints.length).toBeGreaterThan(0);
    for (const { message, place } of error.complaints) {
      expect(message).not.toBe('');
      expect(place.file).not.toBe('');
    }
    return undefined;
  } finally {
    expect(performance.now() - began).toBeLessThan(soon);
  }
}

/** An error that lab foresees: it has a sentence for a person, and no stack. Anything else is a bug. */
export function isForeseen(error: unknown): boolean {
  return error instanceof LabError && error.message !== '';
}
