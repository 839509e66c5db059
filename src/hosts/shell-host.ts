import { setImmediate } from 'node:timers/promises';
import { GivenUp, NotYet, Unreachable } from '../model/errors.ts';
import type { Argv, Deed, DeedOptions, FileReader, Host, Lock, Ran, RunOptions } from '../model/host.ts';
import type { Channel } from './channel.ts';
import { doAll } from './deeds.ts';
import { type Locking, working } from './lock.ts';
import { quote } from './quote.ts';
import { assertOnlyLooks } from './read-only.ts';
import * as scripts from './scriptlets.ts';
import type { Answer, Looks } from './session.ts';
import { WarmShell } from './shell.ts';

interface Asked {
  readonly text: string;
  readonly path?: string;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** How long one batch of looks may take, before the connection counts as dead (ms). */
const batchLimit = 180_000;

/**
 * A host behind a channel: looks are batched through one warm shell, changes are processes of their own, so that a long
 * copy does not hold up a look.
 */
export class ShellHost implements Host {
  readonly name: string;
  /** Batches and commands sent so far. */
  roundTrips = 0;
  /** The lock file whose work lock commands hold, once this run has the lock. */
  lockFile: string | undefined;
  readonly #running = new Set<number>();
  readonly #open: () => Promise<Channel>;
  #channel: Promise<Channel> | undefined;
  #shell: Looks | undefined;
  #asked: Asked[] = [];
  /** Batches go one after the other: the answers come back on one stream. */
  #turn: Promise<void> = Promise.resolve();

  constructor(name: string, open: () => Promise<Channel>) {
    this.name = name;
    this.#open = open;
  }

  /** One that broke is opened anew. */
  async channel(): Promise<Channel> {
    const channel = this.#channel;
    if (channel && (await channel.catch(() => undefined))?.gone() && this.#channel === channel)
      this.#channel = undefined;
    return this.#connect();
  }

  #connect(): Promise<Channel> {
    const channel = (this.#channel ??= this.#open());
    channel.catch(() => {
      if (this.#channel === channel) this.#channel = undefined; // try again next time
    });
    return channel;
  }

  async read(argv: Argv): Promise<Ran> {
    assertOnlyLooks(argv);
    const { code, stdout, stderr } = await this.#ask({ text: quote(argv) });
    return { argv, code, stdout: stdout.toString(), stderr };
  }

  readFile = async (path: string) => this.#look(scripts.readFileScript(path));
  stat = async (path: string) => this.#look(scripts.statScript(path));
  digest = async (path: string) => this.#look(scripts.digestScript(path));
  list = async (path: string) => this.#look(scripts.listScript(path));

  disk(image: string): FileReader {
    return {
      readFile: (path) => this.#look(scripts.diskFileScript(image, path)),
      stat: (path) => this.#look(scripts.diskStatScript(image, path)),
      digest: (path) => this.#look(scripts.diskDigestScript(image, path)),
    };
  }

  async run(argv: Argv, { input, timeout, onOutput, midway, outlives }: RunOptions = {}): Promise<Ran> {
    this.roundTrips++;
    const [program, ...rest] = (await this.channel()).wrap(
      this.lockFile === undefined || outlives ? argv : working(this.lockFile, argv),
    );
    const { execa } = await import('execa');
    const child = execa(program, rest, {
      ...(input === undefined ? { stdin: 'ignore' } : { input }),
      ...(timeout === undefined ? {} : { timeout }),
      stripFinalNewline: false,
      reject: false,
      detached: true, // Ctrl-C at the terminal is for lab, which then decides
    });
    if (onOutput) child.stdout.on('data', (chunk: Buffer) => onOutput(chunk.toString()));
    if (midway)
      setTimeout(() => {
        try {
          midway();
        } catch (error) {
          if (!(error instanceof GivenUp)) throw error;
          child.kill('SIGKILL');
        }
      }, 30);
    const { pid } = child;
    if (pid !== undefined) {
      this.#running.add(pid);
      // It was stopped: what it had begun keeps its output open, and would be waited for.
      child.once('exit', (_, signal) => signal && endGroup(pid));
    }
    const { exitCode, stdout, stderr, timedOut, shortMessage } = await child;
    if (pid !== undefined) this.#running.delete(pid);
    const code = timedOut ? 124 : exitCode;
    if (code === undefined) return { argv, code: 127, stdout: '', stderr: shortMessage ?? '' };
    return { argv, code, stdout: String(stdout), stderr: String(stderr) };
  }

  async runAll(deeds: readonly Deed[], options: DeedOptions): Promise<readonly Ran[]> {
    return doAll(this, deeds, options);
  }

  async writeFile(path: string, bytes: Uint8Array, mode: number, midway?: () => void): Promise<void> {
    await doAll(this, [{ path, bytes, mode }], { midway });
  }

  /** Ends the commands and looks under way, with all their children here. */
  kill(): void {
    this.#shell?.close();
    for (const pid of this.#running) endGroup(pid);
  }

  async close(): Promise<void> {
    this.#shell?.close();
    this.#shell = undefined;
    const channel = this.#channel;
    this.#channel = undefined;
    await (await channel?.catch(() => undefined))?.close();
  }

  /** The shell through which it is looked at, where it has one of its own. */
  async shell(): Promise<WarmShell> {
    const shell = await this.#warmShell();
    if (!(shell instanceof WarmShell)) throw new Error(`${this.name} has no shell of its own`);
    return shell;
  }

  /**
   * Takes a lock, held by the shell through which it is looked at: a session of its own costs a run that changes nothing some 30 ms
   * where ssh itself takes 370 (docs/benchmarks.md). What is asked from now on comes after it.
   */
  async lock(locking: Locking): Promise<Lock> {
    const before = this.#turn;
    const begun = before.then(() => this.#beginLock(locking));
    this.#turn = begun.then(
      () => {},
      () => {},
    );
    const lock = await (await begun).taken;
    this.lockFile = locking.path;
    return lock;
  }

  /** Also over a connection that stood, and is made anew. */
  async #beginLock(locking: Locking): Promise<{ readonly taken: Promise<Lock> }> {
    for (let attempt = 1; ; attempt++) {
      const shell = await this.shell();
      const taken = shell.lock(locking);
      try {
        await shell.stands();
        return { taken };
      } catch (error) {
        taken.catch(() => {}); // for the same reason
        if (attempt === 2 || !shell.broke) throw error;
      }
    }
  }

  /** Connects, so that the first look need not wait for that. Whether it worked shows in that look. */
  warm(): void {
    this.#warmShell()
      .then((shell) => shell.warm?.(batchLimit))
      .catch(() => {});
  }

  /** Waits for it while it boots. @returns whether it answers */
  async arrives(): Promise<boolean> {
    try {
      const channel = await this.channel();
      if (this.#shell === undefined || this.#shell.ended) this.#shell = channel.arriving?.();
      await this.#shell?.stands?.();
      return this.#shell !== undefined;
    } catch (error) {
      if (error instanceof NotYet || error instanceof Unreachable) return false;
      throw error;
    }
  }

  async #warmShell(): Promise<Looks> {
    const channel = await this.channel();
    if (!this.#channel) return this.#warmShell(); // it was closed just now
    if (this.#shell === undefined || this.#shell.ended)
      this.#shell = channel.looks?.() ?? new WarmShell(channel.wrap(['sh']), this.name);
    return this.#shell;
  }

  async #look<T>(scriptlet: scripts.Scriptlet<T>): Promise<T> {
    return scriptlet.read(await this.#ask(scriptlet));
  }

  #ask(what: Pick<Asked, 'text' | 'path'>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ ...what, resolve, reject });
      // All that is asked for in this turn of the event loop goes together.
      if (this.#asked.length === 1) void setImmediate().then(() => this.#flush());
    });
  }

  #flush(): void {
    const before = this.#turn;
    this.#turn = (async () => {
      await before;
      // What the last answers lead to is asked for in this turn: it goes along.
      await setImmediate();
      const batch = this.#asked;
      this.#asked = [];
      if (batch.length === 0) return;
      try {
        await this.#askAll(batch);
      } catch (error) {
        for (const asked of batch) asked.reject(error);
      }
    })();
  }

  /** A connection that stood, and broke, is made anew, once: a look does no harm if it is made twice. */
  async #askAll(batch: readonly Asked[]): Promise<void> {
    const { texts, index } = scripts.joined(batch);
    for (let attempt = 1; ; attempt++) {
      const shell = await this.#warmShell();
      this.roundTrips++;
      try {
        return await shell.ask(texts, batchLimit, (answer, n) => {
          for (const [at, asked] of batch.entries()) if (index[at] === n) asked.resolve(answer);
        });
      } catch (error) {
        this.#shell = undefined;
        if (attempt === 2 || !shell.broke) throw error;
      }
    }
  }
}

/** Ends a command of ours with all its children here. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // It has just ended.
  }
}
