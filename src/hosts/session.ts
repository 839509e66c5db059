import { spawn } from 'node:child_process';
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
  /** The connection stands. @throws Unreachable when it cannot be made, or not in time */
  stands?(): Promise<void>;
  /** It cannot be asked any more. */
  readonly ended: boolean;
  /** It ended after it had answered: the connection broke. */
  readonly broke: boolean;
  close(): void;
}

/**
 * A shell script for scriptlets: the output of each is followed by a line with a random word, its number and its exit code, what it
 * said on stderr, and another such line. All of that goes to stdout.
 * @param aside whoever reads the script goes on with what comes after it, for the price of a process
 */
export function batchScript(scriptlets: readonly string[], word: string, aside: boolean): string {
  const ended = `ended() { printf '\\n%s.%d %d\\n%s\\n%s.%d\\n' ${word} "$1" "$2" "$3" ${word} "$1"; }\n`;
  const each = scriptlets.map((text, n) => `e=$( exec 2>&1 >&4 4>&-\n${text}\n); ended ${n} $? "$e"\n`);
  return `${ended}{\n${each.join('')}} 3>&- 4>&1 9>&- < /dev/null${aside ? ' &' : ''}\n`;
}

/** Takes the answer to the n-th scriptlet of a batch from what has arrived, if it is there. */
export async function takeAnswer(
  take: (boundary: string) => Promise<Taken> | Taken,
  word: string,
  n: number,
): Promise<Answer> {
  const { before: stdout, rest } = await take(`\n${word}.${n} `);
  const { before: stderr } = await take(`\n${word}.${n}`);
  return { code: Number(rest), stdout, stderr: stderr.length === 0 ? '' : `${stderr}\n` };
}

/** What stood before a boundary, and the rest of the boundary's line. */
export interface Taken {
  readonly before: Buffer;
  readonly rest: string;
}

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
  take(boundary: string): Taken | undefined {
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

/** How long a process that has ended may leave its pipes open (ms): the daemon that an old ssh leaves holds its stderr. */
const lastWords = 1000;

/**
 * A shell that runs what is written to it, and is a process of ours. Each run begins with some: so nothing is loaded for them but
 * what Node has (docs/benchmarks.md).
 */
export class Session {
  readonly stdout = new Arriving();
  readonly stderr = new Arriving();
  readonly #child;
  /** Rejects with Unreachable, or NotTrusted, when the shell is gone. */
  readonly end: Promise<never>;
  readonly #wake = { stdout: () => {}, stderr: () => {} };
  /** It holds a lock: it has to last as long, whatever becomes of those who look through it. */
  locked = false;
  /** It carries looks at guests. */
  relays = false;
  /** By itself, or by close(). */
  ended = false;
  /** Not by close(). */
  endedByItself = false;
  /** How it ended, if a signal did not end it. */
  exitCode: number | undefined;

  /**
   * @param argv how to start `sh` there, as a local argv
   * @param retry what to type to see oneself why it could not be reached
   */
  constructor([program, ...rest]: Argv, host: string, retry?: string) {
    this.#child = spawn(program, rest, { stdio: 'pipe', detached: true });
    for (const stream of ['stdout', 'stderr'] as const)
      this.#child[stream].on('data', (chunk: Buffer) => {
        this[stream].add(chunk);
        this.#wake[stream]();
      });
    this.#child.stdin.on('error', () => {}); // a shell that is gone is told by its end
    this.end = this.#gone().then(() => {
      this.endedByItself = !this.ended;
      this.ended = true;
      throw sshTrouble(host, this.stderr.toString(), this.exitCode, retry);
    });
    this.end.catch(() => {});
  }

  #gone(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once('error', ({ message }) => {
        this.stderr.add(Buffer.from(message));
        resolve();
      });
      this.#child.once('exit', (code) => {
        this.exitCode = code ?? undefined;
        setTimeout(resolve, lastWords).unref();
      });
      this.#child.once('close', () => resolve());
    });
  }

  write(script: string): void {
    this.#child.stdin.write(script);
  }

  /** Waits for a boundary. Of each stream one waits at a time. */
  async take(stream: 'stdout' | 'stderr', boundary: string): Promise<Taken> {
    for (;;) {
      const taken = this[stream].take(boundary);
      if (taken) return taken;
      const more = new Promise<void>((resolve) => {
        this.#wake[stream] = resolve;
      });
      await Promise.race([more, this.end]);
    }
  }

  /** Nothing more is written: it ends by itself. @param last what is written before */
  finish(last = ''): void {
    if (!this.ended) this.#child.stdin.end(last);
    this.ended = true;
  }

  close(): void {
    this.ended = true;
    this.#child.stdin.end();
    this.#child.kill('SIGTERM');
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.destroy();
  }
}
