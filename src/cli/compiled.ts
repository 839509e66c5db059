import { openSync, readSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';
import type * as commandLine from './main.ts';
import { head, headLength, type Index, indexOf } from './pieces.ts';

/*
 * Compiling what is needed of two megabytes of JavaScript costs a third of a short command (docs/benchmarks.md). So what V8 made of
 * each chunk of the program is kept beside it, by the build (code-cache.ts): as trustworthy as the program itself, which a cache in
 * /tmp would not be. V8 takes it only if it is its own version's, with the same flags, of a text as long; else it compiles, as ever.
 * It reads all that it is given, used or not: so there is a set for the command that has to be fastest.
 */

/** All chunks (tsdown.config.ts), ASCII alone. */
const PROGRAM = `${__dirname}/program`;
/** For what V8's work is kept by itself: a command, and all others. */
export const sets = ['status', 'others'];
const setOf = (command = '') => (sets.includes(command) ? command : 'others');
const keptIn = (set: string) => `${__dirname}/${set}.cache`;

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

/** For one piece after the other: memory that was touched before is cheaper (docs/benchmarks.md). */
const room = Buffer.allocUnsafeSlow(512 * 1024);

/** A file of many pieces, of which few are needed. */
class Pieces {
  readonly #file: number;
  readonly #index: Index;
  readonly #begins: number;

  /** @throws Error if it cannot be read, or is something else */
  constructor(path: string) {
    this.#file = openSync(path, 'r');
    const length = Number(this.#read(headLength, 0).toString('latin1'));
    this.#begins = headLength + length;
    this.#index = JSON.parse(this.#read(length, headLength).toString('latin1')) as Index;
  }

  /** Good until the next is asked for. undefined: there is none */
  of(name: string): Buffer | undefined {
    const [start, length] = this.#index[name] ?? [];
    return start === undefined || length === undefined ? undefined : this.#read(length, this.#begins + start);
  }

  #read(length: number, position: number): Buffer {
    const into = length > room.length ? Buffer.allocUnsafe(length) : room;
    return into.subarray(0, readSync(this.#file, into, 0, length, position));
  }
}

const program = new Pieces(PROGRAM);
const kept = piecesIfThere(keptIn(setOf(process.argv[2])));

function piecesIfThere(path: string): Pieces | undefined {
  try {
    return new Pieces(path);
  } catch {
    return undefined;
  }
}

/** The command line: main.ts. */
export function compiled() {
  return load('main.cjs') as typeof commandLine;
}

/** A chunk of the program. tsdown.config.ts makes a function of each. */
function load(name: string): object {
  const known = loaded.get(name);
  if (known) return known.exports;
  const text = program.of(name)?.toString('latin1') ?? missing(name);
  const cachedData = kept?.of(name); // V8 does not keep it
  const script = new Script(text, { filename: `${PROGRAM}/${name}`, ...(cachedData && { cachedData }) });
  const module = { exports: {} };
  loaded.set(name, { script, exports: module.exports });
  const require = (what: string) => {
    if (what.startsWith('./')) return load(what.slice(2));
    return late.get(what) ?? ofNode(what);
  };
  script.runInThisContext()(require, module, module.exports);
  return module.exports;
}

function missing(name: string): never {
  throw new Error(`${PROGRAM} has no ${name}: npm run build`);
}

/** Keeps what V8 has compiled until now, for a command and those of its set. */
export function keepCompiled(command: string): void {
  const made = [...loaded].map(([name, { script }]) => [name, script.createCachedData()] as const);
  const pieces = made.map(([, data]) => data);
  writeFileSync(keptIn(setOf(command)), Buffer.concat([Buffer.from(head(indexOf(made))), ...pieces]));
}

/** The chunks that were loaded, and whether V8 took what was kept of them. */
export function taken(): ReadonlyMap<string, boolean> {
  return new Map([...loaded].map(([name, { script }]) => [name, script.cachedDataRejected === false]));
}
