import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type DomainEdits, editDomainFile } from '../../src/formats/domain-file.ts';
import { BadInput } from '../../src/model/errors.ts';

/**
 * A case a file in golden/: `>>> edits JSON`, `>>> annotate BOOLEAN`, `>>> before` and `>>> after`, each of the two
 * followed by the exact text of a domain file; or `>>> refused`, followed by the message. What one could not see there
 * is said by a line `>>> as …`, and holds before and after: `crlf` lines that end with CR LF, `bom` a byte order mark,
 * `open` a last line without an end.
 */
const folder = new URL('golden/', import.meta.url);
const cases = readdirSync(folder).filter((name) => name.endsWith('.txt'));

interface Case {
  readonly edits: DomainEdits;
  readonly annotate: boolean;
  readonly before: string;
  readonly after?: string;
  readonly refused?: string;
}

function read(name: string): Case {
  const text = readFileSync(new URL(name, folder), 'utf8');
  const form =
    /^>>> edits ([^\n]*)\n>>> annotate (true|false)\n(?:>>> as ([a-z ]+)\n)?>>> before\n(.*?)>>> (after|refused)\n(.*)$/s;
  const parts = form.exec(text);
  if (!parts) throw new Error(`${name} is no golden case`);
  const [, edits = '', annotate, as = '', before = '', outcome, rest = ''] = parts;
  const written = (shown: string) => {
    const ended = as.includes('open') ? shown.replace(/\n$/, '') : shown;
    return (as.includes('bom') ? '\uFEFF' : '') + (as.includes('crlf') ? ended.replaceAll('\n', '\r\n') : ended);
  };
  const given = { edits: JSON.parse(edits) as DomainEdits, annotate: annotate === 'true', before: written(before) };
  return outcome === 'after' ? { ...given, after: written(rest) } : { ...given, refused: rest.trimEnd() };
}

test('there are as many cases as ever', () => {
  expect(cases.length).toBeGreaterThanOrEqual(54);
});

describe.each(cases)('%s', (name) => {
  const { edits, annotate, before, after, refused } = read(name);
  const edit = (text: string) => editDomainFile(text, edits, { file: name, annotate });
  if (refused === undefined) {
    test('becomes exactly what is written there', () => expect(edit(before)).toBe(after));
    test('is left alone the second time', () => expect(edit(after ?? '')).toBe(after));
  } else {
    test('is refused, with the place and what to do', () => {
      expect(() => edit(before)).toThrow(BadInput);
      // The whole message, not a part of it.
      expect(() => edit(before)).toThrow(expect.objectContaining({ message: refused }));
    });
  }
});
