import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('docs/doctor.md lists every cause that doctor can name, and no other', () => {
  const sources = readdirSync('src/doctor').map((file) => readFileSync(`src/doctor/${file}`, 'utf8'));
  const named = sources.flatMap((text) => [
    ...text.matchAll(/\bname: (?:\w+ \? )?'([\w-]+)'(?: : '([\w-]+)')?|\b(?:is|because)\(\s*'([\w-]+)'/g),
  ]);
  const names = new Set(named.flatMap(([, ...found]) => found.filter((name) => name !== undefined)));
  const docs = readFileSync('docs/doctor.md', 'utf8');
  const rows = docs.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'));
  const listed = new Set(
    rows.flatMap((row) => [...(row.split('|')[2] ?? '').matchAll(/`([\w-]+)`/g)].map(([, name]) => name)),
  );
  expect([...listed].sort()).toEqual([...names].sort());
});
