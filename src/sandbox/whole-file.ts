import { readSync, writeSync } from 'node:fs';

/** The file ends where more of it was expected. */
export class Ended extends Error {}

/** What is read or written at once (bytes). */
const chunk = 4 * 1024 ** 2;

/** Reads a file from its beginning. */
export class Source {
  readonly #file: number;
  #held: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(file: number) {
    this.#file = file;
  }

  /** The next bytes. @throws Ended */
  take(bytes: number): Buffer {
    if (this.#at + bytes > this.#held.length) {
      const more = this.#read(Math.max(chunk, bytes));
      this.#held = Buffer.concat([this.#held.subarray(this.#at), more]);
      this.#at = 0;
      if (bytes > this.#held.length) throw new Ended();
    }
    this.#at += bytes;
    return this.#held.subarray(this.#at - bytes, this.#at);
  }

  /** What was read and not taken, then the next of the file; empty at its end. */
  next(): Buffer {
    const held = this.#held.subarray(this.#at);
    this.#at = this.#held.length;
    return held.length > 0 ? held : this.#read(chunk);
  }

  #read(bytes: number): Buffer {
    const buffer = Buffer.allocUnsafe(bytes);
    return buffer.subarray(0, readSync(this.#file, buffer));
  }
}

/** Writes a file, in large pieces. */
export class Sink {
  readonly #file: number;
  readonly #room = Buffer.allocUnsafe(chunk);
  #used = 0;

  constructor(file: number) {
    this.#file = file;
  }

  put(...parts: readonly Buffer[]): void {
    for (const part of parts) {
      if (this.#used + part.length > chunk) this.#flush();
      if (part.length > chunk) this.#write(part);
      else this.#used += part.copy(this.#room, this.#used);
    }
  }

  rest(source: Source): void {
    for (let next = source.next(); next.length > 0; next = source.next()) this.put(next);
    this.#flush();
  }

  #flush(): void {
    this.#write(this.#room.subarray(0, this.#used));
    this.#used = 0;
  }

  #write(bytes: Buffer): void {
    for (let done = 0; done < bytes.length;) done += writeSync(this.#file, bytes, done);
  }
}
