import { closeSync, fstatSync, fsync, mkdirSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { LabError } from '../model/errors.ts';
import type { Evidence } from '../model/step.ts';

/**
 * What happened, a JSON object a line. It tells where a run died and what a trial proved; the world is the truth, and
 * a deleted journal costs nothing but the trials' proofs. No secrets: it holds ids, and trials' transcripts.
 */
export type Entry =
  | { readonly is: 'run'; readonly run: string; readonly at: string; readonly command: string }
  | { readonly is: 'started' | 'done'; readonly run: string; readonly at: string; readonly id: string }
  | { readonly is: 'failed'; readonly run: string; readonly at: string; readonly id: string; readonly why: string }
  | { readonly is: 'ended'; readonly run: string; readonly at: string }
  | {
      readonly is: 'evidence';
      readonly run: string;
      readonly at: string;
      readonly id: string;
      readonly basis: string;
      readonly evidence: Evidence;
    };

/** A journal with more entries than this is compacted when a run begins. */
const many = 1000;

/** An entry without what the journal fills in. */
export type News = Entry extends infer E ? (E extends Entry ? Omit<E, 'run' | 'at'> : never) : never;

export class Journal {
  readonly path: string;
  readonly #begin: () => string;
  #run: string | undefined;
  #entries: readonly Entry[] | undefined;

  /** `begin`: an id for this run (uuid v7), if it writes anything. */
  constructor(path: string, begin: () => string) {
    this.path = path;
    this.#begin = begin;
  }

  get run(): string {
    return (this.#run ??= this.#begin());
  }

  /**
   * All entries; a line that a crash cut short, or that is none of ours, is passed over.
   * @throws LabError
   */
  async entries(): Promise<readonly Entry[]> {
    if (!this.#entries) {
      this.#entries = this.#text().split('\n').flatMap(parse);
    }
    return this.#entries;
  }

  /**
   * Leaves out what nobody asks for any more: all but the last run, and the last evidence of each trial. To be called under the
   * lab's lock only. The new file is whole before it gets its name.
   */
  async compact(): Promise<void> {
    const entries = await this.entries();
    if (entries.length <= many) return;
    const last = entries.findLast((entry) => entry.is === 'run')?.run;
    const evidence = new Map(entries.flatMap((entry) => (entry.is === 'evidence' ? [[entry.id, entry] as const] : [])));
    const kept = entries.filter(
      (entry) => entry.run === last || (entry.is === 'evidence' && evidence.get(entry.id) === entry),
    );
    const fresh = `${this.path}.new`;
    await rm(fresh, { force: true });
    const file = await open(fresh, 'wx', 0o600);
    try {
      await file.write(kept.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, this.path);
    this.#entries = kept;
  }

  /**
   * On disk when this returns.
   * @throws LabError
   */
  async add(news: News): Promise<void> {
    const entry = { ...news, run: this.run, at: new Date().toISOString() } as Entry;
    if (this.#entries) this.#entries = [...this.#entries, entry];
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      // All but the wait for the disk at once: in turns of the event loop it took longer (docs/benchmarks.md).
      const file = openSync(this.path, 'a+', 0o600);
      try {
        writeSync(file, `${endOfLine(file)}${JSON.stringify(entry)}\n`);
        await promisify(fsync)(file);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      throw unusable(this.path, error as NodeJS.ErrnoException);
    }
  }

  #text(): string {
    try {
      return readFileSync(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw unusable(this.path, error as NodeJS.ErrnoException);
    }
  }

  /** The last evidence of a trial, if it was gained on the same basis. */
  async evidence(id: string, basis: string): Promise<Evidence | undefined> {
    const found = (await this.entries()).findLast((entry) => entry.is === 'evidence' && entry.id === id);
    return found?.is === 'evidence' && found.basis === basis ? found.evidence : undefined;
  }

  /** Where the last run died: the steps it had begun and not finished; undefined if it ended by itself. */
  async unfinished(): Promise<{ readonly at: string; readonly ids: readonly string[] } | undefined> {
    const entries = await this.entries();
    const last = entries.findLast((entry) => entry.is === 'run');
    if (!last || last.run === this.#run) return undefined;
    const own = entries.filter((entry) => entry.run === last.run);
    if (own.some((entry) => entry.is === 'ended')) return undefined;
    const open = new Set<string>();
    for (const entry of own) {
      if (entry.is === 'started') open.add(entry.id);
      if (entry.is === 'done') open.delete(entry.id);
    }
    return { at: last.at, ids: [...open] };
  }
}

/** What has to come before the next line: a line that a crash cut short would swallow it. */
function endOfLine(file: number): string {
  const { size } = fstatSync(file);
  if (size === 0) return '';
  const last = Buffer.alloc(1);
  readSync(file, last, 0, 1, size - 1);
  return last.toString() === '\n' ? '' : '\n';
}

function unusable(path: string, { message }: NodeJS.ErrnoException): LabError {
  return new LabError(
    `the journal ${path} cannot be used: ${message}`,
    'move it away: the world is the truth, not the journal',
  );
}

/** The members of an entry, by its kind; of other kinds there are none. */
const members: Readonly<Record<string, readonly string[]>> = {
  run: ['command'],
  started: ['id'],
  done: ['id'],
  failed: ['id', 'why'],
  ended: [],
  evidence: ['id', 'basis'],
};

function parse(line: string): Entry[] {
  try {
    const entry: unknown = JSON.parse(line);
    return isEntry(entry) ? [entry] : [];
  } catch {
    return [];
  }
}

function isEntry(entry: unknown): entry is Entry {
  if (!isObject(entry) || !Object.hasOwn(members, String(entry.is))) return false;
  const texts = ['is', 'run', 'at', ...(members[String(entry.is)] ?? [])];
  if (!texts.every((name) => typeof entry[name] === 'string')) return false;
  return entry.is !== 'evidence' || isEvidence(entry.evidence);
}

function isEvidence(value: unknown): value is Evidence {
  if (!isObject(value) || typeof value.passed !== 'boolean' || typeof value.says !== 'string') return false;
  return Array.isArray(value.transcript) && value.transcript.every((text) => typeof text === 'string');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
