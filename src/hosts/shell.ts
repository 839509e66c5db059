import { randomBytes } from 'node:crypto';
import type { Argv } from '../model/host.ts';
import { inTime } from './in-time.ts';
import { type Answer, batchScript, endOf, type Looks, Session } from './session.ts';

/**
 * One shell kept open on a host. A batch of scriptlets goes in as one write and comes back as one stream: a round trip,
 * however many there are. Nothing is needed on the other side but POSIX sh, and bytes pass unharmed.
 */
export class WarmShell implements Looks {
  readonly #host: string;
  readonly #session: Session;
  readonly #word = randomBytes(12).toString('hex');
  #answered = false;

  /** `argv`: how to start `sh` there, as a local argv. */
  constructor(argv: Argv, host: string) {
    this.#host = host;
    this.#session = new Session(argv, host);
  }

  get ended(): boolean {
    return this.#session.ended;
  }

  get broke(): boolean {
    return this.#answered && this.#session.endedByItself;
  }

  /** Tells each answer as soon as it is there. @throws Unreachable when the shell is gone, or does not answer in time */
  async ask(
    scriptlets: readonly string[],
    limit: number,
    answered: (answer: Answer, n: number) => void,
  ): Promise<void> {
    this.#session.write(batchScript(scriptlets, this.#word));
    try {
      await inTime(limit, this.#host, async () => {
        for (const n of scriptlets.keys()) answered(await this.#answer(n), n);
      });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async #answer(n: number): Promise<Answer> {
    const end = endOf(this.#word, n);
    const stdout = await this.#session.take('stdout', end.stdout);
    const stderr = await this.#session.take('stderr', end.stderr);
    this.#answered = true;
    return { code: Number(stdout.rest), stdout: stdout.before, stderr: stderr.before.toString() };
  }

  close(): void {
    this.#session.close();
  }
}
