import type { Change } from '../model/change.ts';
import { DidNotSettle, type LabError, Unreachable } from '../model/errors.ts';
import type { HostName, Hosts } from '../model/host.ts';
import type { Look, Step } from '../model/step.ts';
import type { Judged } from './plan.ts';

interface Settling {
  judgeNow(): Promise<Judged>;
  /** Makes changes once more: the check asks for them again, and `settle.repeats` allows it. */
  again(changes: readonly Change[]): Promise<void>;
  /** Why a host (or the one that a step of this id starts) that cannot be reached will not come back by itself; undefined: it may. */
  gone(what: HostName | Step['id']): Promise<LabError | undefined>;
  readonly look: Look;
  readonly says: (text: string) => void;
  readonly options: {
    readonly hosts: Pick<Hosts, 'arrives'>;
    readonly slowness: () => Promise<number>;
    readonly pause?: number;
    readonly signal?: AbortSignal;
  };
}

/**
 * Waits until the world agrees with a step whose changes were made.
 * @throws DidNotSettle when the step's limit (scaled by the slowness of the machine) is over, with what was seen
 */
export async function settled(step: Step<unknown>, settling: Settling): Promise<void> {
  const { judgeNow, again, gone, look, says, options } = settling;
  const slowness = await options.slowness();
  const limit = (step.settle?.within ?? 0) * slowness;
  let began = performance.now();
  let repeats = step.settle?.repeats ?? 0;
  // A look costs an emulated machine a good part of what it could do meanwhile: the slower it is, the rarer.
  const shortest = options.pause ?? 250;
  const longest = step.settle?.pause ?? 12 * shortest * slowness;
  if (step.settle && step.provides && options.hosts.arrives) {
    // It was begun just now: asking dom0 about it would hold it up, where both are on the same processors.
    says(`waiting, ${Math.round(limit / 1000)} s at most`);
    await orStopped(watch(step, look, options.hosts), options.signal);
  }
  for (let pause = shortest; ; pause = Math.min(pause * 1.5, longest)) {
    const judged = await judgeNow();
    if (judged.is === 'met') return;
    const asksAgain = judged.is === 'change' && judged.changes.some((change) => change.is !== 'wait');
    if (asksAgain && repeats > 0) {
      repeats--;
      await again(judged.changes);
      began = performance.now();
      continue;
    }
    const elapsed = performance.now() - began;
    // A connection that is lost while something is awaited is made anew at the next look.
    const hidden = hiding(judged);
    if (judged.is === 'failed' && (hidden === undefined || elapsed >= limit)) throw judged.error;
    const why = hidden === undefined ? undefined : await gone(hidden);
    if (why) throw why;
    const seconds = `${Math.round(elapsed / 1000)} s of ${Math.round(limit / 1000)} s`;
    const ended = asksAgain && step.settle?.lasts;
    if (elapsed >= limit || ended) {
      const still = judged.is === 'change' ? judged.changes.map(word).join('; ') : `waits for ${waitedFor(judged)}`;
      const error = new DidNotSettle(
        step.settle
          ? `${ended ? 'ended' : 'not so'} after ${seconds}; still missing: ${still}`
          : `the changes were made, and still missing: ${still}`,
        step.settle?.hint,
      );
      throw Object.assign(error, { detail: await step.settle?.diagnose?.(look).catch(() => []) });
    }
    const state = await step.settle?.state?.(look).catch(() => undefined);
    says(`waiting, ${seconds}${state ? `: ${state}` : ''}`);
    const watched = await orStopped(watch(step, look, options.hosts), options.signal);
    await pauseFor(watched ? shortest : pause, options.signal);
  }
}

/** Waits for the host that the step starts, and then for the step. @returns whether there is reason to look again soon */
async function watch({ provides, settle }: Step<unknown>, look: Look, hosts: Pick<Hosts, 'arrives'>): Promise<boolean> {
  if (provides !== undefined && hosts.arrives && !(await hosts.arrives(provides))) return false;
  return (await settle?.watch?.(look).catch(() => false)) ?? false;
}

/** Behind which host, or step that starts one, it could not be looked; undefined: it could, or another error came first. */
export function hiding(now: Judged): HostName | Step['id'] | undefined {
  if (now.is === 'later') return now.waitsFor;
  return now.is === 'failed' && now.error instanceof Unreachable ? now.error.host : undefined;
}

const waitedFor = (judged: Judged) => (judged.is === 'later' ? judged.waitsFor : '');

const word = (change: Change) =>
  'argv' in change ? change.argv.join(' ') : 'says' in change ? change.says : change.path;

/** @throws the signal's reason, as soon as it comes */
async function pauseFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await orStopped(over, signal).finally(() => clearTimeout(timer));
}

/** What is awaited. @throws the signal's reason, as soon as it comes */
async function orStopped<T>(awaited: Promise<T> | undefined, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (!awaited || !signal) return awaited;
  signal.throwIfAborted();
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  return Promise.race([awaited, stopped]).finally(() => signal.removeEventListener('abort', stop));
}
