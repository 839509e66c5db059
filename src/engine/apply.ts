import { type Change, type CommandChange, sayChange, type Wait } from '../model/change.ts';
import { CommandFailed, LabError } from '../model/errors.ts';
import type { Host, Ran } from '../model/host.ts';
import { inSessions, isBrief } from './together.ts';
import { die, type Fault, InjectedFault } from './fault.ts';

/** How long a command may take if its change does not say (ms, before scaling). */
const defaultTimeout = 600_000;

/** Makes changes true, one by one; counts them, for LAB_FAULT. */
export class Applier {
  readonly #fault: Fault | undefined;
  /** Time-outs are multiplied by this: how slow the machine is, measured. */
  readonly #slowness: () => Promise<number>;
  #count = 0;

  constructor(fault: Fault | undefined, slowness: () => Promise<number>) {
    this.#fault = fault;
    this.#slowness = slowness;
  }

  /**
   * @param says what is under way, for a reporter
   * @throws CommandFailed; LabError for a command that ended well and says that it did nothing
   */
  async apply(change: Change, host: Host, says: (text: string) => void): Promise<void> {
    if (change.is === 'wait') return says(change.says);
    const how = ++this.#count === this.#fault?.at ? this.#fault.how : undefined;
    if (how === 'fail')
      throw new InjectedFault(
        `LAB_FAULT: change ${this.#count} (${sayChange(change)}) on ${host.name} was made to fail`,
      );
    if (how === 'kill-before') die();
    says(sayChange(change));
    await this.#make(change, host, says, how === 'kill-during' ? die : undefined);
    if (how === 'kill-after' || how === 'kill-during') die();
  }

  /** Those that go together: all of them in one session, where the host has that. With a fault one at a time, since it is one of them. */
  together(changes: readonly Change[], host: Host): readonly (readonly Change[])[] {
    return host.runAll && !this.#fault ? inSessions(changes) : changes.map((change) => [change]);
  }

  /** @throws as `apply` */
  async applyTogether(changes: readonly Change[], host: Host, says: (text: string) => void): Promise<void> {
    const brief = changes.filter(isBrief);
    const timeout = defaultTimeout * (await this.#slowness());
    const ran = await host.runAll?.(
      brief.map((change) => (change.is === 'file' ? { ...change, bytes: change.after } : { argv: change.argv })),
      { timeout, begins: (n) => brief[n] && says(sayChange(brief[n])) },
    );
    for (const [n, change] of brief.entries())
      if (change.is === 'command' && ran?.[n]) judge(change, ran[n], host, timeout);
  }

  async #make(
    change: Exclude<Change, Wait>,
    host: Host,
    says: (text: string) => void,
    midway: (() => void) | undefined,
  ): Promise<void> {
    if (change.is === 'file') return host.writeFile(change.path, change.after, change.mode, midway);
    if (change.is === 'command') return this.#run(change, host, says, midway);
    if (midway) setImmediate(midway);
    return change.act(host);
  }

  async #run(
    change: CommandChange,
    host: Host,
    says: (text: string) => void,
    midway: (() => void) | undefined,
  ): Promise<void> {
    const stop = change.grows ? watchGrowth(change.grows, host, says) : () => {};
    try {
      const timeout = (change.timeout ?? defaultTimeout) * (await this.#slowness());
      const ran = await host.run(change.argv, {
        timeout,
        midway,
        outlives: change.outlives ?? false,
        ...(change.input === undefined ? {} : { input: change.input }),
      });
      judge(change, ran, host, timeout);
    } finally {
      stop();
    }
  }
}

/** @throws CommandFailed, LabError */
function judge(change: CommandChange, ran: Ran, host: Host, timeout: number): void {
  const declined = ran.code === 0 ? change.declined?.(ran) : undefined;
  if (ran.code === 0 && declined === undefined) return;
  if (declined !== undefined)
    throw new LabError(
      `on ${host.name}: \`${change.argv.join(' ')}\` ended with exit code 0 and did nothing: ${declined}`,
    );
  const hint = ran.code === 124 ? `it was stopped after ${Math.round(timeout / 1000)} s` : change.explain?.(ran);
  throw new CommandFailed({
    host: host.name,
    argv: change.argv,
    code: ran.code,
    stderr: ran.stderr || ran.stdout,
    ...(hint ? { hint } : {}),
  });
}

const mib = (bytes: number) => `${Math.round(bytes / 1024 ** 2)} MiB`;

/** Tells how far a copy has come, once a second. */
function watchGrowth(
  { path, bytes }: { path: string; bytes: number },
  host: Host,
  says: (text: string) => void,
): () => void {
  const timer = setInterval(async () => {
    const stat = await host.stat(path).catch(() => undefined);
    if (stat) says(`${path}: ${mib(stat.allocated)} of ${mib(bytes)}`);
  }, 1000);
  return () => clearInterval(timer);
}
