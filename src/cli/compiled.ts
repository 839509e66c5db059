import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';
import type { main } from './main.ts';

/*
 * Compiling what is needed of a megabyte of JavaScript costs a third of a short command (docs/benchmarks.md). So what V8 made of
 * each file of the bundle is kept beside it, by the build (code-cache.ts): as trustworthy as the file itself, which a cache in
 * /tmp would not be. V8 takes it only if it is its own version's, with the same flags, of a file as long; else it compiles, as ever.
 */

const beside = (file: string) => join(__dirname, file);
const cacheOf = (file: string) => beside(file.replace(/\.cjs$/, '.cache'));
/** All but Node's own modules is bundled. */
const ofNode = createRequire(__filename);
/** Loaded when a function of it is used: the parser of arguments asks for it, in case that a command were a program of its own. */
const childProcess = new Proxy({}, { get: (_, name) => Reflect.get(ofNode('node:child_process'), name) });
const loaded = new Map<string, { readonly script: Script; readonly exports: object }>();

/** The command line: main.ts. */
export function compiled() {
  return load('main.cjs') as { readonly main: typeof main };
}

/** A file of the build's. tsdown.config.ts makes a function of each. */
function load(file: string): object {
  const known = loaded.get(file);
  if (known) return known.exports;
  const filename = beside(file);
  const cachedData = readIfThere(cacheOf(file));
  // ASCII alone (tsdown.config.ts).
  const script = new Script(readFileSync(filename, 'latin1'), { filename, ...(cachedData && { cachedData }) });
  const module = { exports: {} };
  loaded.set(file, { script, exports: module.exports });
  const require = (name: string) => {
    if (name.startsWith('./')) return load(name.slice(2));
    return name === 'node:child_process' ? childProcess : ofNode(name);
  };
  script.runInThisContext()(require, module, module.exports);
  return module.exports;
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
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
