import { LabError, type Unreachable } from '../model/errors.ts';
import type { HostName } from '../model/host.ts';
import type { Node, Step } from '../model/step.ts';
import { lookFor, type Viewpoint } from './look.ts';
import { type Judged, judge } from './plan.ts';
import type { RunOptions } from './run-options.ts';
import { hiding, settled } from './settle.ts';

/** How long a domain may be off while it is fenced (ms, on the reference machine): fence_virtd destroys it, then creates it again. */
const betweenDomains = 30_000;

/** Hosts that are lost while `lab up` is at work on them, and that earlier steps of it have started. */
export class Lost {
  readonly #options: RunOptions;
  readonly #viewpoint: Viewpoint;
  readonly #providers: ReadonlyMap<HostName, Step<unknown>>;

  constructor(options: RunOptions, viewpoint: Viewpoint, providers: ReadonlyMap<HostName, Step<unknown>>) {
    this.#options = options;
    this.#viewpoint = viewpoint;
    this.#providers = providers;
  }

  /**
   * Why a host that does not answer will not do so again without us: the machine under it was started from here, and does not run.
   * Others may just be booting.
   * @param what the host, or the id of the step that starts it
   */
  async gone(what: HostName | Step['id']): Promise<LabError | undefined> {
    const [host, provider] = [...this.#providers].find(([name, { id }]) => name === what || id === what) ?? [];
    if (!host || !provider) return undefined;
    const now = await this.#judge(provider);
    const under = hiding(now);
    if (under !== undefined) return under === host || under === provider.id ? undefined : this.gone(under);
    if (provider.on !== 'local' || now.is === 'failed' || runs(now)) return undefined;
    return new LabError(`${host} is gone: the machine under it does not run any more`, 'lab up starts it again');
  }

  /**
   * Waits for a guest that went away in the middle: the cluster may fence one that was late to join, and it boots again by itself.
   * @returns false if there is nothing to wait for: it was not started by a step, or it is off and stays so
   * @throws DidNotSettle when it runs and does not boot
   */
  async back({ host }: Unreachable, asker: Node, says: (text: string) => void): Promise<boolean> {
    const provider = this.#providers.get(host);
    if (!provider?.settle || provider === asker || (await this.gone(host))) return false;
    says(`${host} was lost; waiting for it`);
    const waiting = (step: Step<unknown>, judgeNow: () => Promise<Judged>) =>
      settled(step, {
        judgeNow,
        again: async () => {},
        gone: (name) => this.gone(name),
        look: lookFor(step, this.#viewpoint),
        says,
        options: this.#options,
      });
    const started = async (): Promise<Judged> => {
      const now = await this.#judge(provider);
      return now.is === 'change' && runs(now) ? { is: 'met' } : now;
    };
    const { settle, ...bare } = provider;
    const isOn = await waiting({ ...bare, settle: { within: betweenDomains, hint: settle.hint } }, started).then(
      () => true,
      (error) => {
        if (this.#options.signal?.aborted) throw error;
        return false;
      },
    );
    if (isOn) await waiting(provider, () => this.#judge(provider));
    return isOn;
  }

  readonly #judge = (step: Step<unknown>) => judge(step, this.#viewpoint, this.#options.proofs);
}

/** Nothing has to be started: at most it has to be waited for. */
const runs = (now: Judged) => now.is !== 'change' || now.changes.every((change) => change.is === 'wait');
