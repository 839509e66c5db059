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
const EDITED: readonly string[] = ['name', 'uuid', 'memory', 'maxmem', 'vcpus', 'disk', 'vif'];
const editedKey = fc.constantFrom(...EDITED);
const otherKey = fc.constantFrom('bootloader', 'vfb', 'pci', 'on_crash', 'extra', 'names');
const equals = fc.constantFrom(' = ', '=', '  =\t');
const assignment = (key: fc.Arbitrary<string>) => fc.tuple(key, equals, valueSource).map((parts) => parts.join(''));
const lineEnd = fc.constantFrom('\n', '\n\n', ' # why\n', ';\n', ' ; ', ';', '\r\n');
const python = fc.constantFrom(
  'import os\n',
  'x = "%d" % 1\n',
  'if a:\n  b = 1\n',
  'def f():\n\treturn """\nname = 1"""\n',
  'cpus = (0, 1)\nextra = { "a": [ 1, "]" ] }\n',
  'if a: b = 1\nelse: b = [\n  2 ]\n',
  'x = "a" \\\n  "b"\n',
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

/** Lines about other things than the edited keys, each with its end: nothing of them may change. */
const stranger = fc.oneof(
  fc.tuple(fc.constantFrom('', '  ', '\t'), assignment(otherKey)).map((parts) => parts.join('')),
  fc.constantFrom('# name = "x"', '', '   ', '\t# [ "', 'cpus = (0, 1)', "extra = 'disk = [ ]' # vif"),
);
const strangers = fc.array(stranger, { maxLength: 4 }).map((lines) => lines.map((line) => `${line}\n`).join(''));

test('what stands around an edited value is the same to the byte, whoever looks', () => {
  const around = fc.record({
    head: fc.tuple(strangers, fc.constantFrom('', '\t', 'extra = "a" ; ')).map((parts) => parts.join('')),
    equals,
    old: fc.constantFrom('"a"', "[ 'a' ]", '[\n\t"a",\n\t"b", ]', '5', '[]', "''"),
    tail: fc
      .tuple(fc.constantFrom('', '  # why', ';', ' ; on_crash = "x" # y'), strangers)
      .map(([behind, lines]) => `${behind}\n${lines}`),
    mark: fc.constantFrom('', '\uFEFF'),
    crlf: fc.boolean(),
  });
  const wanted = fc.oneof(
    written.map((name): DomainEdits => ({ name })),
    fc.array(written, { maxLength: 3 }).map((disk): DomainEdits => ({ disk })),
    fc.nat().map((memory): DomainEdits => ({ memory })),
  );
  fc.assert(
    fc.property(around, wanted, ({ head, equals: sign, old, tail, mark, crlf }, edit) => {
      const [key = ''] = Object.keys(edit);
      // No parser of ours decides what is around.
      const [before, value, after] = [`${mark}${head}${key}${sign}`, old, tail].map((text) =>
        crlf ? text.replaceAll('\n', '\r\n') : text,
      ) as [string, string, string];
      const edited = editDomainFile(before + value + after, edit, options(false));
      expect(edited.startsWith(before)).toBe(true);
      expect(edited.endsWith(after)).toBe(true);
      const between = edited.slice(before.length, edited.length - after.length);
      expect(Object.fromEntries(readDomainFile(`${key} = ${between}\n`, 'f').values)).toEqual(edit);
      if (!crlf) return;
      // Nor in what is added: old lines as comments, and a key that is missing.
      const added = editDomainFile(before + value + after, { ...edit, vcpus: 2 }, options(true));
      for (const text of [edited, added]) expect(text).not.toMatch(/(?<!\r)\n/);
    }),
    { numRuns: 500 },
  );
});

test('writing what a file says already changes no byte of it', () => {
  fc.assert(
    fc.property(domainFile, fc.boolean(), (text, annotate) => {
      const { values, assignments } = readDomainFile(text, 'f');
      const nested = new Set(assignments.filter((one) => one.nested).map(({ key }) => key));
      const said = [...values].filter(([key, value]) => {
        if (nested.has(key)) return false;
        if (key === 'disk' || key === 'vif') return Array.isArray(value);
        return key === 'name' || key === 'uuid' ? typeof value === 'string' : typeof value === 'number';
      });
      const same = Object.fromEntries(said.filter(([key]) => EDITED.includes(key))) as DomainEdits;
      const edited = orRefused(() => editDomainFile(text, same, options(annotate)));
      if (edited !== undefined) expect(edited).toBe(text);
    }),
    { numRuns: 500 },
  );
});

test('what Python decides is refused, with its line, and nothing else about it', () => {
  const code = fc.constantFrom(
    ['disk = [ "a%d" % n for n in x ]', 0],
    ['if x:\n  disk = []', 1],
    ['for d in x: disk.append(d)', 0],
    ['disk += [ "a" ]', 0],
    ['def f():\n  global disk\n  disk = []', 2],
    ['disk = other = []', 0],
    ['disk, vif = [], []', 0],
  ) as fc.Arbitrary<readonly [string, number]>;
  fc.assert(
    fc.property(strangers, code, strangers, (head, [python, line], tail) => {
      const text = `${head}disk = [ "a" ]\n${python}\n${tail}`;
      const edit = (edits: DomainEdits) => editDomainFile(text, edits, options(false));
      const at = `${head}disk = [ "a" ]\n`.split('\n').length + line;
      expect(() => edit({ disk: ['b'] })).toThrow(BadInput);
      expect(() => edit({ disk: ['b'] })).toThrow(`f:${at}:`);
      expect(edit({ memory: 5 }).startsWith(text)).toBe(true);
    }),
  );
});

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
