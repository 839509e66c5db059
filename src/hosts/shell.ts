import { randomBytes } from 'node:crypto';
import { Unreachable } from '../model/errors.ts';
import type { Argv, Lock } from '../model/host.ts';
import { inTime } from './in-time.ts';
import { type Locking, takeLock } from './lock.ts';
import { type Answer, batchScript, type Looks, Session, takeAnswer } from './session.ts';

/** A connection may be of no use: within so many milliseconds there has to be a first word. */
export interface Owed {
  readonly within: number;
  /** It did not come. Whoever asked hears of it after this, and asks anew. */
  silent?(): Promise<unknown>;
}

/**
 * It ends with its stdin and with nothing else, and with it what it had begun: nobody hears of that any more. What is there to be
 * done then is known to those who begin it (lock.ts, relay.ts).
 */
const prologue = `unlock() { :; }
unrelay() { :; }
trap : TERM HUP
trap 'exec 3>&-; kill -TERM 0 2> /dev/null; unlock; wait; unrelay' EXIT
`;

/**
 * One shell kept open on a host, for all that is asked of it. A batch of scriptlets goes in as one write and comes back as one stream:
 * a round trip, however many there are. Nothing is needed on the other side but POSIX sh, and bytes pass unharmed.
 */
export class WarmShell implements Looks {
  readonly #host: string;
  /** Its stderr is another's (relay.ts). */
  readonly session: Session;
  readonly #word = randomBytes(12).toString('hex');
  #answered = false;
  #silent = false;
  #left = false;
  #leave: (why: Unreachable) => void = () => {};
  /** Rejects when nobody looks through it any more. */
  readonly #leaving = new Promise<never>((_, reject) => {
    this.#leave = reject;
  });
  readonly #first: Promise<void>;
  /** What comes before all answers. What is asked need not wait for it. */
  #before: Promise<void>;

  /**
   * @param argv how to start `sh` there, as a local argv
   * @param retry what to type to see oneself why it could not be reached
   */
  constructor(argv: Argv, host: string, { owed, retry }: { readonly owed?: Owed; readonly retry?: string } = {}) {
    this.#host = host;
    this.session = new Session(argv, host, retry);
    this.session.write(prologue);
    this.#leaving.catch(() => {});
    this.#first = owed ? this.#firstWord(owed) : Promise.resolve();
    this.#before = this.#first;
    this.#before.catch(() => {}); // whoever asks is told
  }

  get ended(): boolean {
    return this.#left || this.session.ended;
  }

  get broke(): boolean {
    return this.#silent || (this.#answered && this.session.endedByItself);
  }

  /** The first word has come. @throws Unreachable, NotTrusted */
  stands(): Promise<void> {
    return this.#first;
  }

  /** Takes a lock for as long as it lasts. Nothing is being asked. @throws Held, Unreachable */
  lock(locking: Locking): Promise<Lock> {
    const lock = takeLock(this.session, this.#host, locking, this.#before);
    this.#before = lock.then(() => {});
    this.#before.catch(() => {}); // whoever asks is told
    return lock;
  }

  /** Tells each answer as soon as it is there. @throws Unreachable when the shell is gone, or does not answer in time */
  async ask(
    scriptlets: readonly string[],
    limit: number,
    answered: (answer: Answer, n: number) => void,
  ): Promise<void> {
    // What others write must not wait for looks.
    const aside = this.session.locked || this.session.relays;
    this.session.write(batchScript(scriptlets, this.#word, aside));
    await this.#before;
    await this.#inTime(limit, async () => {
      for (const n of scriptlets.keys()) {
        answered(await takeAnswer((boundary) => this.session.take('stdout', boundary), this.#word, n), n);
        this.#answered = true;
      }
    });
  }

  async #firstWord({ within, silent }: Owed): Promise<void> {
    this.session.write(`printf '\\n%s\\n' ${this.#word}\n`);
    try {
      await this.#inTime(within, async () => void (await this.session.take('stdout', `\n${this.#word}`)));
    } catch (error) {
      this.#silent = silent !== undefined;
      await silent?.();
      throw error;
    }
  }

  async #inTime(limit: number, work: () => Promise<void>): Promise<void> {
    try {
      await inTime(limit, this.#host, () => Promise.race([work(), this.#leaving]));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** What is under way ends by itself where the session has to last. */
  close(): void {
    this.#left = true;
    this.#leave(new Unreachable(this.#host, 'broken off'));
    if (!this.session.locked) this.session.close();
  }
}
