import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';
import type * as commandLine from './main.ts';

/*
 * Compiling what is needed of a megabyte of JavaScript costs a third of a short command (docs/benchmarks.md). So what V8 made of
 * each file of the bundle is kept beside it, by the build (code-cache.ts): as trustworthy as the file itself, which a cache in
 * /tmp would not be. V8 takes it only if it is its own version's, with the same flags, of a file as long; else it compiles, as ever.
 */

const beside = (file: string) => `${__dirname}/${file}`;
const cacheOf = (file: string) => beside(file.replace(/\.cjs$/, '.cache'));
/** All but Node's own modules is bundled. */
const ofNode = createRequire(__filename);
/** What most commands could use and few do: loaded when a function of it is used. They cost 1 – 7 ms each (docs/benchmarks.md). */
const late = new Map(
  ['child_process', 'crypto', 'fs/promises', 'timers/promises', 'v8'].map((name) => [
    `node:${name}`,
    new Proxy({}, { get: (_, member) => Reflect.get(ofNode(`node:${name}`), member) }),
  ]),
);
const loaded = new Map<string, { readonly script: Script; readonly exports: object }>();

/** The command line: main.ts. */
export function compiled() {
  return load('main.cjs') as typeof commandLine;
}

/** A file of the build's. tsdown.config.ts makes a function of each. */
function load(file: string): object {
  const known = loaded.get(file);
  if (known) return known.exports;
  const filename = beside(file);
  const text = bytesOf(filename).toString('latin1'); // ASCII alone (tsdown.config.ts)
  const cachedData = bytesIfThere(cacheOf(file)); // V8 does not keep it
  const script = new Script(text, { filename, ...(cachedData && { cachedData }) });
  const module = { exports: {} };
  loaded.set(file, { script, exports: module.exports });
  const require = (name: string) => {
    if (name.startsWith('./')) return load(name.slice(2));
    return late.get(name) ?? ofNode(name);
  };
  script.runInThisContext()(require, module, module.exports);
  return module.exports;
}

/** For one file after the other: memory that was touched before is cheaper (docs/benchmarks.md). */
const room = Buffer.allocUnsafeSlow(512 * 1024);

/** Good until the next is read. */
function bytesOf(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const length = readSync(file, room, 0, room.length, 0);
    return length < room.length ? room.subarray(0, length) : readFileSync(path);
  } finally {
    closeSync(file);
  }
}

function bytesIfThere(path: string): Buffer | undefined {
  try {
    return bytesOf(path);
  } catch {
    return undefined;
  }
}

/** Keeps what V8 has compiled until now. */
export function keepCompiled(): void {
  for (const [file, { script }] of loaded) writeFileSync(cacheOf(file), script.createCachedData());
}

/** The files that were loaded, and whether V8 took what was kept of them. */
export function taken(): ReadonlyMap<string, boolean> {
  return new Map([...loaded].map(([file, { script }]) => [file, script.cachedDataRejected === false]));
}
