import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { fingerprint } from '../model/fingerprint.ts';
import { cacheDirectory } from '../sandbox/paths.ts';
import type { Spec } from '../spec/schema.ts';

/*
 * A lab.yaml is read anew by each command, and rarely changed: loading YAML and zod, and reading it with them, was a fifth of
 * `lab status` (docs/benchmarks.md). So the values of those that were found good are kept, by the text and by the program that
 * read it. Nothing depends on them: what is not there, or damaged, is read as ever.
 */

/** What the build made of all that lab consists of; undefined where it was not built. */
declare const BUILD: string;
const build = typeof BUILD === 'undefined' ? undefined : BUILD;

/** How many are kept, the latest. */
const most = 16;

const directory = () => join(cacheDirectory(), 'read');
const nameOf = (text: string) => `${fingerprint(Buffer.from(`${build}\0${text}`))}.json`;

interface Remembered {
  readonly build: string;
  readonly text: string;
  readonly values: Spec;
}

/** The values of a lab.yaml that this program has found good before. */
export function recalled(text: string): Spec | undefined {
  if (build === undefined) return undefined;
  try {
    const found: Remembered = JSON.parse(readFileSync(join(directory(), nameOf(text)), 'utf8'));
    return found.build === build && found.text === text ? found.values : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps them for the next command, if there is a place for that. */
export function remember(text: string, values: Spec): void {
  if (build === undefined || !isDeepStrictEqual(JSON.parse(JSON.stringify(values)), values)) return;
  const json = JSON.stringify({ build, text, values } satisfies Remembered);
  const path = join(directory(), nameOf(text));
  try {
    mkdirSync(directory(), { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.${process.pid}`, json, { mode: 0o600 });
    renameSync(`${path}.${process.pid}`, path);
    const age = (name: string) => statSync(join(directory(), name)).mtimeMs;
    const names = readdirSync(directory()).map((name) => ({ name, age: age(name) }));
    for (const { name } of names.sort((a, b) => b.age - a.age).slice(most)) rmSync(join(directory(), name));
  } catch {
    // A home that cannot be written, or two commands at once: it is read again next time.
  }
}
