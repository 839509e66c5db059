import fc from 'fast-check';

/** What breaks parsers, shells, terminals and numbers. */
export const nasty: readonly string[] = [
  ...['0', '-1', '1e99', '-0', '10GG', '0x10', '99999999999999999999', '1.5', '٣'],
  ...['$(reboot)', '`reboot`', '../../etc/passwd', '-rf', '; reboot', '| sh', '%s%n', '\\', "'", '"'],
  ...['\0', '\n', '\r\n', '\r', '\t', '\u001b[31m', '\uFEFF', '\u202e', '\u2028', '\uD800', '💥', 'é'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'null', 'true', '~'],
  ...['{', '}', '[', ']', '(', ')', '<', '>', '</', '/>', '<!--', ']]>', '&a ', '*a', '&amp;', '&x;', '<!DOCTYPE a>'],
  ...['=', ':', ': ', ',', ';', '#', '!', '!!set ', '<<: ', '- ', '? ', '| ', '---\n', '"""', ' ', ''],
  'a'.repeat(10_240),
  '('.repeat(5000),
  '['.repeat(5000),
  '{'.repeat(5000),
  ' '.repeat(5000),
  '\n'.repeat(5000),
  '<a>'.repeat(3000),
];

/** One edit: where (as a part of the text), how much goes, what comes. */
const edit = fc.record({
  at: fc.nat(9999),
  cut: fc.oneof({ weight: 3, arbitrary: fc.nat(12) }, { weight: 1, arbitrary: fc.nat(400) }),
  put: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...nasty) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
    { weight: 1, arbitrary: fc.constant('') },
  ),
  how: fc.constantFrom('splice', 'splice', 'splice', 'double', 'line', 'number', 'truncate', 'crlf', 'shuffle'),
});

type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

function edited(text: string, { at, cut, put, how }: Edit): string {
  const start = Math.floor((at / 10_000) * (text.length + 1));
  const lines = text.split('\n');
  const line = Math.floor((at / 10_000) * lines.length);
  if (how === 'double') return text.slice(0, start + cut) + text.slice(start);
  if (how === 'truncate') return text.slice(0, start);
  if (how === 'crlf') return text.replaceAll('\n', '\r\n');
  if (how === 'line') return [...lines.slice(0, line), put, ...lines.slice(line + (cut % 3))].join('\n');
  if (how === 'shuffle') return [...lines.slice(line), ...lines.slice(0, line)].join('\n');
  if (how === 'number') {
    const numbers = [...text.matchAll(/\d+/g)];
    const found = numbers[Math.floor((at / 10_000) * numbers.length)];
    if (found) return text.slice(0, found.index) + put + text.slice(found.index + found[0].length);
  }
  return text.slice(0, start) + put + text.slice(start + cut);
}

/** Any text at all. */
const anything = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.array(fc.constantFrom(...nasty), { maxLength: 30 }).map((parts) => parts.join('')),
);

/** A text of which something is cut, doubled, exchanged or added; now and then another text altogether. */
export function mutated(...originals: readonly string[]): fc.Arbitrary<string> {
  const changed = fc
    .tuple(fc.constantFrom(...originals), fc.array(edit, { minLength: 1, maxLength: 4 }))
    .map(([text, edits]) => edits.reduce(edited, text));
  return fc.oneof({ weight: 9, arbitrary: changed }, { weight: 1, arbitrary: anything });
}

/** The same of bytes: also what is no UTF-8. */
export function mutatedBytes(...originals: readonly string[]): fc.Arbitrary<Uint8Array> {
  const broken = fc
    .tuple(mutated(...originals), fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 4 }))
    .map(([text, at, bytes]) => {
      const whole = Buffer.from(text);
      const start = at % (whole.length + 1);
      return Buffer.concat([whole.subarray(0, start), bytes, whole.subarray(start)]);
    });
  const text = mutated(...originals).map((some) => Buffer.from(some));
  return fc.oneof(text, broken, fc.uint8Array({ maxLength: 300 }));
}
