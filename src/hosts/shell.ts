import { randomBytes } from 'node:crypto';
import { execa } from 'execa';
import { Unreachable } from '../model/errors.ts';
import type { Argv } from '../model/host.ts';
import { sshTrouble } from './ssh-trouble.ts';

/** What one scriptlet printed, and how it ended. */
export interface Answer {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/**
 * One shell kept open on a host. A batch of scriptlets goes in as one write and comes back as one stream: a round trip,
 * however many there are. Their outputs are told apart by lines that hold a random word, on stdout and on stderr, so that
 * nothing is needed on the other side but POSIX sh, and bytes pass unharmed.
 */
export class WarmShell {
  readonly #host: string;
  readonly #child;
  readonly #end: Promise<never>;
  readonly #boundary = randomBytes(12).toString('hex');
  #stdout = Buffer.alloc(0);
  #stderr = Buffer.alloc(0);
  #wake: () => void = () => {};
  /** It cannot be asked any more: it ended, by itself or by close(). */
  ended = false;

  /** `argv`: how to start `sh` there, as a local argv. */
  constructor(argv: Argv, host: string) {
    this.#host = host;
    const [program, ...rest] = argv;
    this.#child = execa(program, rest, {
      stdin: 'pipe',
      encoding: 'buffer',
      buffer: false,
      reject: false,
      detached: true,
    });
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.#stdout = Buffer.concat([this.#stdout, chunk]);
      this.#wake();
    });
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = Buffer.concat([this.#stderr, chunk]);
      this.#wake();
    });
    this.#child.stdin.on('error', () => {}); // a shell that is gone is told by its end
    this.#end = this.#child.then(({ exitCode }) => {
      this.ended = true;
      throw sshTrouble(host, this.#stderr.toString(), exitCode);
    });
    this.#end.catch(() => {});
  }

  /**
   * Runs scriptlets, and tells each answer as soon as it is there. `limit`: milliseconds for all of them.
   * @throws Unreachable when the shell is gone, or does not answer in time
   */
  async ask(
    scriptlets: readonly string[],
    limit: number,
    answered: (answer: Answer, n: number) => void,
  ): Promise<void> {
    const mark = (n: number) => `${this.#boundary}.${n}`;
    const script = scriptlets
      .map(
        (text, n) => `( ${text}\n) </dev/null; printf '\\n%s %d\\n' ${mark(n)} $?; printf '\\n%s\\n' ${mark(n)} >&2\n`,
      )
      .join('');
    this.#child.stdin.write(script);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Unreachable(this.#host, `no answer within ${Math.round(limit / 1000)} s`)),
        limit,
      );
    });
    try {
      for (let n = 0; n < scriptlets.length; n++)
        answered(await Promise.race([this.#answer(mark(n)), this.#end, late]), n);
    } catch (error) {
      this.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #answer(mark: string): Promise<Answer> {
    for (;;) {
      const out = this.#cut('#stdout', `\n${mark} `);
      const err = out && this.#cut('#stderr', `\n${mark}`);
      if (out && err) {
        this.#stdout = this.#stdout.subarray(out.next);
        this.#stderr = this.#stderr.subarray(err.next);
        return { code: Number(out.tail), stdout: out.before, stderr: err.before.toString() };
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** What stands before a boundary line, the rest of that line, and where the next text begins; undefined if it has not come yet. */
  #cut(which: '#stdout' | '#stderr', boundary: string) {
    const buffer = which === '#stdout' ? this.#stdout : this.#stderr;
    const at = buffer.indexOf(boundary);
    const newline = at < 0 ? -1 : buffer.indexOf('\n', at + 1);
    if (newline < 0) return undefined;
    return {
      before: Buffer.from(buffer.subarray(0, at)),
      tail: buffer.subarray(at + boundary.length, newline).toString(),
      next: newline + 1,
    };
  }

  close(): void {
    this.ended = true;
    this.#child.stdin.end();
    this.#child.kill('SIGTERM');
  }
}
