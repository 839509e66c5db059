import { execa } from 'execa';
import type { Argv } from '../model/host.ts';
import { sshTrouble } from './ssh-trouble.ts';

/** What one scriptlet printed, and how it ended. */
export interface Answer {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** How looks are made on a host: many at once. */
export interface Looks {
  /**
   * Runs scriptlets, and tells each answer. `limit`: milliseconds for all of them.
   * @throws Unreachable when the host does not answer, or not in time
   */
  ask(scriptlets: readonly string[], limit: number, answered: (answer: Answer, n: number) => void): Promise<void>;
  /** Gets ready for the first of them, within `limit`. Whether that worked shows in it. */
  warm?(limit: number): void;
  /** It cannot be asked any more. */
  readonly ended: boolean;
  /** It ended after it had answered: the connection broke. */
  readonly broke: boolean;
  close(): void;
}

/** A shell script for scriptlets whose outputs are told apart by lines that hold a random word, on stdout and on stderr. */
export function batchScript(scriptlets: readonly string[], word: string): string {
  const ended = `ended() { printf '\\n%s.%d %d\\n' ${word} "$1" "$2"; printf '\\n%s.%d\\n' ${word} "$1" >&2; }\n`;
  return ended + scriptlets.map((text, n) => `( ${text}\n) </dev/null; ended ${n} $?\n`).join('');
}

/** The lines that come after the output of the n-th scriptlet of a batch. */
export const endOf = (word: string, n: number) => ({ stdout: `\n${word}.${n} `, stderr: `\n${word}.${n}` });

/** Bytes that arrive bit by bit, and are cut at lines. */
export class Arriving {
  #bytes: Buffer;

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.#bytes = bytes;
  }

  add(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
  }

  /** Takes what stands before a boundary, and the rest of the boundary's line; undefined if it has not come yet. */
  take(boundary: string): { readonly before: Buffer; readonly rest: string } | undefined {
    const at = this.#bytes.indexOf(boundary);
    const newline = at < 0 ? -1 : this.#bytes.indexOf('\n', at + 1);
    if (newline < 0) return undefined;
    const before = Buffer.from(this.#bytes.subarray(0, at));
    const rest = this.#bytes.subarray(at + boundary.length, newline).toString();
    this.#bytes = this.#bytes.subarray(newline + 1);
    return { before, rest };
  }

  toString(): string {
    return this.#bytes.toString();
  }
}

/** A shell that runs what is written to it, and is a process of ours. */
export class Session {
  readonly stdout = new Arriving();
  readonly stderr = new Arriving();
  readonly #child;
  /** Rejects with Unreachable, or NotTrusted, when the shell is gone. */
  readonly end: Promise<never>;
  #wake: () => void = () => {};
  /** By itself, or by close(). */
  ended = false;
  /** Not by close(). */
  endedByItself = false;

  /** `argv`: how to start `sh` there, as a local argv. */
  constructor([program, ...rest]: Argv, host: string) {
    this.#child = execa(program, rest, {
      stdin: 'pipe',
      encoding: 'buffer',
      buffer: false,
      reject: false,
      detached: true,
    });
    for (const stream of ['stdout', 'stderr'] as const)
      this.#child[stream].on('data', (chunk: Buffer) => {
        this[stream].add(chunk);
        this.#wake();
      });
    this.#child.stdin.on('error', () => {}); // a shell that is gone is told by its end
    this.end = this.#child.then(({ exitCode }) => {
      this.endedByItself = !this.ended;
      this.ended = true;
      throw sshTrouble(host, this.stderr.toString(), exitCode);
    });
    this.end.catch(() => {});
  }

  write(script: string): void {
    this.#child.stdin.write(script);
  }

  /** Waits for a boundary. One waits at a time. */
  async take(
    stream: 'stdout' | 'stderr',
    boundary: string,
  ): Promise<{ readonly before: Buffer; readonly rest: string }> {
    for (;;) {
      const taken = this[stream].take(boundary);
      if (taken) return taken;
      const more = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([more, this.end]);
    }
  }

  close(): void {
    this.ended = true;
    this.#child.stdin.end();
    this.#child.kill('SIGTERM');
  }
}
