import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadInput } from '../../src/model/errors.ts';
import { readLab } from '../../src/spec/read.ts';
import { DEFAULT_ANSWERS, labYaml } from '../../src/spec/template.ts';

/** Longer than the slowest text within the limits takes here, and far from a hang. */
const LIMIT_MS = 8000;

/** Whether `text` is a lab. Anything but a lab or a BadInput made of printable lines with a place fails. */
function isLab(text: string): boolean {
  const started = performance.now();
  try {
    return readLab(text, 'lab.yaml').guests.length > 0;
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    expect(error.complaints.length).toBeGreaterThan(0);
    for (const line of error.message.split('\n')) expect(line).toMatch(/^(?:lab\.yaml(?::\d+:\d+)?: | {2})[^\p{C}]+$/u);
    return false;
  } finally {
    expect(performance.now() - started).toBeLessThan(LIMIT_MS);
  }
}

/** `npm run test:fuzz` tries more. */
const numRuns = process.env.FUZZ === 'full' ? 2000 : 150;

const VALID = labYaml(DEFAULT_ANSWERS);
const SPICES = [
  '{',
  '[',
  '}',
  ']',
  '*a',
  '&a ',
  '<<: ',
  '? ',
  '- ',
  ': ',
  '\n',
  '\t',
  '"',
  "'",
  '!!set ',
  '| ',
  '%',
  '---\n',
  '\0',
  '~',
  '0',
  'é',
  '\u{202e}',
];

describe('readLab throws nothing but BadInput', { timeout: 300_000 }, () => {
  it('for arbitrary text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => void isLab(text)),
      { numRuns },
    );
  });
  it('for what looks like YAML', () => {
    const words = fc.constantFrom(...SPICES, 'guests', 'name', 'image', 'molly', '10G', '  ', ' ');
    fc.assert(
      fc.property(fc.array(words, { maxLength: 60 }), (parts) => void isLab(parts.join(''))),
      { numRuns },
    );
  });
  it('for a lab with other values', () => {
    const data = fc.object({
      key: fc.constantFrom('guests', 'name', 'image', 'disks', 'install', 'copy', 'constructor', 'a'),
      maxDepth: 4,
    });
    fc.assert(
      fc.property(data, (spec) => void isLab(JSON.stringify({ guests: { molly: {} }, ...spec }))),
      { numRuns },
    );
  });
  it('for a valid file with something cut, added or changed', () => {
    const edit = fc.tuple(
      fc.nat(VALID.length),
      fc.nat(12),
      fc.oneof(fc.constantFrom(...SPICES), fc.string({ maxLength: 5 })),
    );
    let labs = 0;
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        const text = edits.reduce(
          (before, [at, cut, add]) => before.slice(0, at) + add + before.slice(at + cut),
          VALID,
        );
        labs += Number(isLab(text));
      }),
      { numRuns },
    );
    // The edits are neither all harmless nor all deadly: both answers were put to the test.
    expect(labs).toBeGreaterThan(numRuns / 50);
    expect(labs).toBeLessThan(numRuns - numRuns / 50);
  });
});

describe('readLab comes back soon', { timeout: 60_000 }, () => {
  const size = 32_000;
  const lines = (count: number, line: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => line(n)).join('\n');
  it.each<readonly [string, string]>([
    ...[
      '[',
      '{',
      '{a: ',
      '- ',
      '? ',
      ': ',
      '[}',
      '!',
      '*',
      '&',
      '%A\n',
      '---\n',
      'a: 1\n',
      '"\\x',
      '\n',
      '\t\n',
      '\r',
      ',',
      '|\n',
    ].map((text) => [text, text.repeat(size / text.length)] as const),
    ['keys', lines(3500, (n) => `k${n}: 1`)],
    ['a flow of keys', `{${lines(3500, (n) => `k${n},`)}}`],
    ['guests', `guests:\n${lines(2800, (n) => `  g${n}: 1`)}`],
    ['disks', `guests: {a: }\ndisks:\n${lines(1600, (n) => `  d${n}: {x: 1}`)}`],
    ['aliases', `a: &x 1\nb: [${'*x,'.repeat(size / 3 - 10)}]`],
    ['a chain of aliases', lines(1200, (n) => (n === 0 ? 'a0: &a0 [x]' : `a${n}: &a${n} [*a${n - 1}]`))],
    ['indentation', lines(240, (n) => `${' '.repeat(n)}a:`)],
    ['a long name', `guests: {${'a'.repeat(size)}: }`],
    ['a long value', `guests: {a: {memory: ${'9'.repeat(size)}M}}`],
    ['a long path', `guests: {a: }\nimage: {path: "${'/a'.repeat(size / 2 - 20)}"}`],
  ])('for %j', (_, text) => {
    expect(text.length).toBeLessThanOrEqual(32_768);
    expect(isLab(text)).toBe(false);
  });
});
