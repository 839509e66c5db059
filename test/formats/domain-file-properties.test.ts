import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DomainEdits, editDomainFile, readDomainFile } from '../../src/formats/domain-file.ts';
import { BadInput } from '../../src/model/errors.ts';

const options = (annotate: boolean) => ({ file: 'f', annotate, notes: { name: ['Must match domain file name'] } });

// Generators: files of statements as people write them, in both dialects.
const inner = fc
  .string({ unit: fc.constantFrom(...'abc/:,.=#;[] \'"\\é!') })
  .map((text) => text.replaceAll('\\', '\\\\'));
const stringSource = fc.oneof(
  inner.map((text) => `"${text.replaceAll('"', '\\"')}"`),
  inner.map((text) => `'${text.replaceAll("'", "\\'")}'`),
);
const gap = fc.constantFrom('', ' ', '  ', '\t', '\n  ', ' # note, "]\n', '\n# own line\n\n  ');
const listSource = fc
  .tuple(fc.array(fc.tuple(gap, stringSource, gap), { maxLength: 4 }), fc.boolean(), gap)
  .map(([items, trailing, end]) => {
    const text = items.map(([before, item, after]) => before + item + after).join(',');
    return `[${text}${trailing && items.length > 0 ? ',' : ''}${end}]`;
  });
const numberSource = fc.oneof(fc.nat().map(String), fc.constantFrom('0x10', '010', '0'));
const valueSource = fc.oneof(stringSource, listSource, numberSource);
const editedKey = fc.constantFrom('name', 'uuid', 'memory', 'maxmem', 'vcpus', 'disk', 'vif');
const otherKey = fc.constantFrom('bootloader', 'vfb', 'pci', 'on_crash', 'extra', 'names');
const equals = fc.constantFrom(' = ', '=', '  =\t');
const assignment = (key: fc.Arbitrary<string>) => fc.tuple(key, equals, valueSource).map((parts) => parts.join(''));
const lineEnd = fc.constantFrom('\n', '\n\n', ' # why\n', ';\n', ' ; ', ';', '\r\n');
const python = fc.constantFrom(
  'import os\n',
  'x = "%d" % 1\n',
  'if a:\n  b = 1\n',
  'def f():\n\treturn """\nname = 1"""\n',
);
const statement = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(assignment(editedKey), lineEnd).map((parts) => parts.join('')) },
  { weight: 3, arbitrary: fc.tuple(assignment(otherKey), lineEnd).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: python.map((text) => `\n${text}`) },
  { weight: 1, arbitrary: fc.constantFrom('# name = "x"\n', '\n', '  # [ "\n') },
);
const domainFile = fc
  .tuple(fc.constantFrom('', '\uFEFF'), fc.array(statement, { maxLength: 8 }), fc.boolean())
  .map(([mark, parts, open]) => mark + (open ? parts.join('').trimEnd() : parts.join('')));

const written = fc.string({ unit: fc.constantFrom(...'abcm/:,.=#;[]! \'"\\é') });
const edits: fc.Arbitrary<DomainEdits> = fc.record(
  {
    name: written,
    uuid: fc.uuid(),
    memory: fc.nat(),
    maxmem: fc.nat(),
    vcpus: fc.integer({ min: 1, max: 64 }),
    disk: fc.array(written, { maxLength: 4 }),
    vif: fc.array(written, { maxLength: 3 }),
  },
  { requiredKeys: [] },
);

/** Runs something that may refuse: undefined then. Anything but BadInput goes through. */
function orRefused<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof BadInput) return undefined;
    throw error;
  }
}

/** The text of a file without the values of these keys' last assignments; what is appended counts as value. */
function skeleton(text: string, keys: readonly string[], appended: ReadonlySet<string>): string {
  const { assignments } = readDomainFile(text, 'f');
  const last = new Map(assignments.map((found) => [found.key, found]));
  let rest = '';
  let at = 0;
  for (const found of assignments.filter((one) => keys.includes(one.key) && last.get(one.key) === one)) {
    rest += text.slice(at, appended.has(found.key) ? found.line.start : found.span.start);
    at = found.span.end;
  }
  return (rest + text.slice(at)).replace('\uFEFF', '');
}

const comments = (text: string) => text.match(/# note, "\]|# own line/g)?.length ?? 0;

test('generated files are really edited, not refused', () => {
  const seen = fc.sample(fc.tuple(domainFile, edits), { numRuns: 500, seed: 7 });
  const done = seen.filter(
    ([text, wanted]) => orRefused(() => editDomainFile(text, wanted, options(false))) !== undefined,
  );
  expect(done.length).toBeGreaterThan(400);
});

test('after an edit the file says what was asked for', () => {
  fc.assert(
    fc.property(domainFile, edits, fc.boolean(), (text, wanted, annotate) => {
      const edited = orRefused(() => editDomainFile(text, wanted, options(annotate)));
      if (edited === undefined) return;
      const { values } = readDomainFile(edited, 'f');
      for (const [key, value] of Object.entries(wanted)) {
        const found = values.get(key);
        expect(typeof value === 'number' ? Number(found) : found).toEqual(value);
      }
    }),
    { numRuns: 500 },
  );
});

test('all bytes outside the edited values stay, and all comments', () => {
  fc.assert(
    fc.property(domainFile, edits, (text, wanted) => {
      const edited = orRefused(() => editDomainFile(text, wanted, options(false)));
      if (edited === undefined) return;
      const keys = Object.keys(wanted);
      const before = readDomainFile(text, 'f');
      const appended = new Set(keys.filter((key) => !before.values.has(key)));
      const bare = (from: string) =>
        skeleton(from, keys, appended).replace(/^[ \t]*# (?:note, "\]|own line)\r?\n/gm, '');
      // New lines at the end need a line break before or behind them.
      const [rest, original] = [bare(edited), bare(text)];
      expect(appended.size === 0 ? rest : rest.replace(/[\r\n]*$/, '')).toBe(
        appended.size === 0 ? original : original.replace(/[\r\n]*$/, ''),
      );
      expect(comments(edited)).toBe(comments(text));
    }),
    { numRuns: 500 },
  );
});

test('what others assign keeps its value, and annotated files are the old ones with comments and new lines', () => {
  fc.assert(
    fc.property(domainFile, edits, (text, wanted) => {
      const edited = orRefused(() => editDomainFile(text, wanted, options(true)));
      if (edited === undefined) return;
      const [before, after] = [readDomainFile(text, 'f').values, readDomainFile(edited, 'f').values];
      for (const [key, value] of before) if (!(key in wanted)) expect(after.get(key)).toEqual(value);
      // Every old line is still there, as it was or commented out.
      const lines = new Set(edited.replace('\uFEFF', '').split(/\r?\n/));
      for (const line of text.replace('\uFEFF', '').split(/\r?\n/)) {
        expect(lines.has(line) || lines.has(`# ${line}`) || lines.has(`#${line}`)).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

test('editing twice is editing once', () => {
  fc.assert(
    fc.property(domainFile, edits, fc.boolean(), (text, wanted, annotate) => {
      const once = orRefused(() => editDomainFile(text, wanted, options(annotate)));
      if (once !== undefined) expect(editDomainFile(once, wanted, options(annotate))).toBe(once);
    }),
    { numRuns: 500 },
  );
});

const fuzz = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(...'namedisk=+[](){},;:#\'"\\ \n\r\t0x1L%\0\u2028\uFEFF') }),
  // A valid file with something cut out and something put in.
  fc
    .tuple(domainFile, fc.nat(), fc.nat({ max: 5 }), fc.string({ unit: fc.constantFrom(...'[]()"\'\\\n\r#;=+,:x1 ') }))
    .map(([text, at, length, put]) => {
      const start = at % (text.length + 1);
      return text.slice(0, start) + put + text.slice(start + length);
    }),
);

test('whatever the text, it is edited for good or refused with BadInput', () => {
  fc.assert(
    fc.property(fuzz, edits, fc.boolean(), (text, wanted, annotate) => {
      const once = orRefused(() => editDomainFile(text, wanted, options(annotate)));
      if (once !== undefined) expect(editDomainFile(once, wanted, options(annotate))).toBe(once);
    }),
    { numRuns: 3000 },
  );
});

test('whatever the edits, only BadInput is thrown', () => {
  const any = fc.record({
    name: fc.string({ unit: 'binary' }),
    memory: fc.double(),
    disk: fc.array(fc.string({ unit: 'binary' })),
  });
  fc.assert(
    fc.property(domainFile, any, (text, wanted) => {
      orRefused(() => editDomainFile(text, wanted, options(true)));
    }),
  );
});
