import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type DomainEdits, editDomainFile } from '../../src/formats/domain-file.ts';

/**
 * A case a file in golden/: `>>> edits JSON`, `>>> annotate BOOLEAN`, `>>> before` and `>>> after`, each of the two
 * followed by the exact text of a domain file. What needs CR, a byte order mark or an open last line is in
 * domain-file.test.ts, where one can see it.
 */
const folder = new URL('golden/', import.meta.url);
const cases = readdirSync(folder).filter((name) => name.endsWith('.txt'));

function read(name: string): { edits: DomainEdits; annotate: boolean; before: string; after: string } {
  const text = readFileSync(new URL(name, folder), 'utf8');
  const parts = /^>>> edits ([^\n]*)\n>>> annotate (true|false)\n>>> before\n(.*?)>>> after\n(.*)$/s.exec(text);
  if (!parts) throw new Error(`${name} is no golden case`);
  const [, edits = '', annotate, before = '', after = ''] = parts;
  return { edits: JSON.parse(edits), annotate: annotate === 'true', before, after };
}

test('there are as many cases as ever', () => {
  expect(cases.length).toBeGreaterThanOrEqual(34);
});

describe.each(cases)('%s', (name) => {
  const { edits, annotate, before, after } = read(name);
  const edit = (text: string) => editDomainFile(text, edits, { file: name, annotate });
  test('becomes exactly what is written there', () => expect(edit(before)).toBe(after));
  test('is left alone the second time', () => expect(edit(after)).toBe(after));
});
