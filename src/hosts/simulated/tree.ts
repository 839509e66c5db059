import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { dirname } from 'node:path';

/** A directory of the real file system that stands for a file system mounted somewhere. */
export interface Mounted {
  readonly at: string;
  root(): string;
}

/** What the real file system said: for a world in which nothing changes while it is looked at. */
export type Seen = Map<string, unknown>;

/**
 * The files of one machine: a real directory tree. Links are followed inside the tree, never out of it, and mounts are
 * looked up, not made. Whatever is written bears the world's time, in whole seconds.
 */
export class Tree {
  readonly root: string;
  readonly #clock: () => number;
  readonly #mounts: () => readonly Mounted[];
  /** A file that is not there yet, though it is on the disk. */
  readonly #hides: (path: string) => boolean;
  readonly #seen: Seen | undefined;

  constructor(
    root: string,
    clock: () => number,
    mounts: () => readonly Mounted[] = () => [],
    hides: (path: string) => boolean = () => false,
    seen?: Seen,
  ) {
    this.root = root;
    this.#seen = seen;
    this.#clock = clock;
    this.#mounts = mounts;
    this.#hides = hides;
  }

  /** Where a path is in the real file system; links followed unless `keepLink`, which leaves the last one. */
  real(path: string, keepLink = false): string {
    return this.#once(keepLink ? 'link' : 'real', `${this.root} ${path}`, () => this.#resolve(path, keepLink));
  }

  #resolve(path: string, keepLink: boolean): string {
    let todo = path.split('/').filter(Boolean);
    let at = '';
    let links = 0;
    while (todo.length > 0) {
      const [part = '', ...rest] = todo;
      todo = rest;
      if (part === '.') continue;
      if (part === '..') {
        at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
        continue;
      }
      const place = this.#locate(`${at}/${part}`);
      const isLink = (todo.length > 0 || !keepLink) && this.#once('lstat', place, lstat)?.isSymbolicLink();
      if (!isLink) {
        at = `${at}/${part}`;
        continue;
      }
      if (++links > 40) throw new Error(`${path}: Too many levels of symbolic links`);
      const target = readlinkSync(place);
      if (target.startsWith('/')) at = '';
      todo = [...target.split('/').filter(Boolean), ...todo];
    }
    return this.#locate(at || '/');
  }

  #once<T>(what: string, place: string, ask: (place: string) => T): T {
    if (!this.#seen) return ask(place);
    const key = `${what} ${place}`;
    if (!this.#seen.has(key)) this.#seen.set(key, ask(place));
    return this.#seen.get(key) as T;
  }

  /** The last mount that covers a path wins. */
  #locate(path: string): string {
    const mount = this.#mounts().findLast(({ at }) => path === at || path.startsWith(`${at}/`));
    // No part of it is `.` or `..`.
    const [root, rest] = mount ? [mount.root(), path.slice(mount.at.length)] : [this.root, path];
    return rest === '/' ? root : root + rest;
  }

  stat(path: string): Stats | undefined {
    if (this.#hides(path)) return undefined;
    // No link is left in it.
    return guarded(() => this.#once('lstat', this.real(path), lstat));
  }

  has(path: string): boolean {
    return this.stat(path) !== undefined;
  }

  isDirectory(path: string): boolean {
    return this.stat(path)?.isDirectory() ?? false;
  }

  /** The bytes of a file; undefined if there is none. */
  read(path: string): Buffer | undefined {
    return this.stat(path)?.isFile() ? this.#once('read', this.real(path), (place) => readFileSync(place)) : undefined;
  }

  text(path: string): string | undefined {
    return this.read(path)?.toString();
  }

  /** Names in a directory, sorted; undefined if there is none. */
  list(path: string): readonly string[] | undefined {
    if (!this.isDirectory(path)) return undefined;
    const names = this.#once('list', this.real(path), (place) => readdirSync(place).sort());
    return names.filter((name) => !this.#hides(path === '/' ? `/${name}` : `${path}/${name}`));
  }

  makeDirectory(path: string, mode = 0o755): void {
    if (this.isDirectory(path)) return;
    if (path === '/') {
      mkdirSync(this.root, { recursive: true });
      this.#seen?.clear();
      return;
    }
    this.makeDirectory(dirname(path));
    mkdirSync(this.real(path));
    this.#seen?.clear();
    chmodSync(this.real(path), mode);
  }

  /**
   * Atomic: a temporary file, then a rename that replaces a link and does not follow it. The temporary file is beside the
   * tree: on a real machine a shell writes it, which outlives a lab that is killed, and removes it.
   */
  write(path: string, bytes: Uint8Array | string, mode = 0o644, midway: () => void = () => {}): void {
    this.makeDirectory(dirname(path));
    const content = Buffer.from(bytes);
    const temporary = `${this.root}.${process.pid}.tmp`;
    writeFileSync(temporary, content.subarray(0, content.length / 2), { mode: 0o600 });
    midway();
    writeFileSync(temporary, content);
    chmodSync(temporary, mode);
    this.#stamp(temporary);
    renameSync(temporary, this.real(path, true));
    this.#seen?.clear();
  }

  remove(path: string): void {
    rmSync(this.real(path, true), { recursive: true, force: true });
    this.#seen?.clear();
  }

  link(path: string, target: string): void {
    this.makeDirectory(dirname(path));
    this.remove(path);
    symlinkSync(target, this.real(path, true));
    this.#seen?.clear();
  }

  /** Adds to the end of a file, as a log does. */
  append(path: string, text: string): void {
    this.write(path, (this.text(path) ?? '') + text);
  }

  /** Sets a file's time to the world's. */
  touch(path: string): void {
    this.#stamp(this.real(path));
  }

  #stamp(real: string): void {
    utimesSync(real, this.#clock(), this.#clock());
    this.#seen?.clear();
  }

  /** Files below a directory that somebody changed from outside the world (their times are not whole seconds) are as new as now. */
  adopt(directory: string): void {
    for (const name of this.list(directory) ?? []) {
      const path = `${directory}/${name}`;
      const stat = guarded(() => lstat(this.real(path, true)));
      if (stat?.isDirectory()) this.adopt(path);
      else if (stat?.isFile() && stat.mtimeMs % 1000 !== 0) this.touch(path);
    }
  }
}

function lstat(real: string): Stats | undefined {
  return lstatSync(real, { throwIfNoEntry: false });
}

/** A path through something that is no directory leads nowhere, nor does a name that no file can have: too long, or with a NUL in it. */
function guarded<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (['ENOTDIR', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
}
