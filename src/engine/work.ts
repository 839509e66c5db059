import { type Change, sayChange } from '../model/change.ts';
import { CommandFailed, LabError, NotYet, Unreachable } from '../model/errors.ts';
import type { HostName } from '../model/host.ts';
import type { Evidence, Node, Step, Trial } from '../model/step.ts';
import { Applier } from './apply.ts';
import { breakable } from './breakable.ts';
import { byHand, editedByHand } from './by-hand.ts';
import { lookFor, type Viewpoint, wholeLooks } from './look.ts';
import { Lost } from './lost.ts';
import { type Judged, judge } from './plan.ts';
import type { RunOptions } from './run-options.ts';
import { settled } from './settle.ts';

/** How often a command that failed is made, if the world still lacks what it should do. */
const tries = 3;

/** What was done for a node. */
export interface Done {
  readonly verdict: 'met' | 'change';
  readonly changes: readonly Change[];
  readonly evidence?: Evidence;
}

/** The work on one node: its changes, made until its check agrees, or its trial. */
export class Work {
  readonly #options: RunOptions;
  readonly #viewpoint: Viewpoint;
  readonly #applier: Applier;
  readonly #lost: Lost;

  constructor(options: RunOptions, viewpoint: Viewpoint, providers: ReadonlyMap<HostName, Step<unknown>>) {
    this.#options = options;
    this.#viewpoint = viewpoint;
    this.#lost = new Lost(options, viewpoint, providers);
    this.#applier = new Applier(options.fault, () => options.slowness());
  }

  /**
   * The work on a node, begun anew once if its guest was lost meanwhile and came back: the world is looked at again first.
   * @param planned what the plan showed: what it did not show, and destroys something, is asked about
   * @throws LabError
   */
  async on(node: Node, planned: Judged | undefined): Promise<Done> {
    try {
      return await this.#once(node, planned);
    } catch (error) {
      if (this.#options.signal?.aborted || !(error instanceof Unreachable)) throw error;
      const says = (text: string) => this.#options.emit({ event: 'doing', id: node.id, says: text });
      if (!(await this.#lost.back(error, node, says))) throw error;
      return this.#once(node, planned);
    }
  }

  async #once(node: Node, planned: Judged | undefined): Promise<Done> {
    const judged = await judge(node, this.#viewpoint, this.#options.proofs);
    if (judged.is === 'met') return { verdict: 'met', changes: [] };
    const changes = changesOf(judged);
    await this.#options.journal.add({ is: 'started', id: node.id });
    const evidence = node.kind === 'trial' ? await this.#try(node) : await this.#make(node, changes, planned);
    await this.#options.journal.add({ is: 'done', id: node.id });
    return { verdict: 'change', changes, ...(evidence ? { evidence } : {}) };
  }

  /** Makes the changes of a step, until its check agrees. */
  async #make(step: Step<unknown>, changes: readonly Change[], planned: Judged | undefined): Promise<undefined> {
    await this.#approve(step, changes, planned);
    const says = (text: string) => this.#options.emit({ event: 'doing', id: step.id, says: text });
    const apply = async (missing: readonly Change[]) => {
      const host = wholeLooks(this.#options.hosts.host(step.on));
      for (const session of this.#applier.together(missing, host)) {
        this.#options.signal?.throwIfAborted();
        const [change] = session;
        if (change && session.length === 1) await this.#apply(step, change, missing.length === 1, says);
        else await this.#applier.applyTogether(session, host, says);
      }
    };
    await apply(changes);
    if (step.provides) await this.#options.hosts.forget(step.provides);
    await settled(step, {
      judgeNow: () => judge(step, this.#viewpoint, this.#options.proofs),
      again: apply,
      gone: (host) => this.#lost.gone(host),
      look: lookFor(step, this.#viewpoint),
      says,
      options: this.#options,
    });
  }

  /**
   * A command may crash, or lose its daemon, before or after it did its work: what counts is the world. If the change is all
   * that its step does, and the step waits for the world anyway, it is looked at, and tried again if it is still missing.
   */
  async #apply(step: Step<unknown>, change: Change, alone: boolean, says: (text: string) => void): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#applier.apply(change, wholeLooks(this.#options.hosts.host(step.on)), says);
      } catch (error) {
        // It may have been broken off on purpose.
        if (this.#options.signal?.aborted || !(error instanceof CommandFailed) || !alone || !step.settle) throw error;
        says(`${error.message.split('\n')[0]}; looking at what really happened`);
        const now = await judge(step, this.#viewpoint, this.#options.proofs);
        if (now.is === 'failed') throw now.error instanceof Unreachable ? now.error : error;
        const missing = now.is === 'change' && now.changes.some((left) => sayChange(left) === sayChange(change));
        if (!missing) return;
        if (attempt === tries) {
          const detail = await step.settle.diagnose?.(lookFor(step, this.#viewpoint)).catch(() => []);
          throw Object.assign(error, { detail });
        }
      }
    }
  }

  async #try(trial: Trial): Promise<Evidence> {
    const look = lookFor(trial, this.#viewpoint);
    const basis = await trial.basis(look);
    const { hosts, broken, explain } = this.#options;
    const shown = await trial.run(
      breakable((name) => wholeLooks(hosts.host(name)), broken),
      look,
    );
    if (!shown.passed && explain) this.#options.emit({ event: 'doing', id: trial.id, says: 'looking for the cause' });
    const evidence = shown.passed || !explain ? shown : await explain(trial, shown);
    await this.#options.journal.add({ is: 'evidence', id: trial.id, basis, evidence });
    if (!evidence.passed) {
      throw Object.assign(
        new LabError(`${evidence.layer ? `layer "${evidence.layer}": ` : ''}${evidence.says}`, evidence.hint),
        { detail: evidence.transcript.slice(-20) },
      );
    }
    return evidence;
  }

  /** A change that destroys something is only made if the plan held it, or somebody says yes now. */
  async #approve(step: Step<unknown>, changes: readonly Change[], planned: Judged | undefined): Promise<void> {
    const plannedChanges = planned?.is === 'change' ? planned.changes : [];
    const known = plannedChanges.flatMap((change) => ('destroys' in change ? [change.destroys] : []));
    const agreed = byHand(plannedChanges).map((change) => change.byHand);
    for (const change of byHand(changes))
      if (!agreed.includes(change.byHand) && !(await this.#options.consent?.([change]))) throw editedByHand(change);
    for (const change of changes) {
      const what = 'destroys' in change ? change.destroys : undefined;
      if (what === undefined || known.includes(what)) continue;
      if (!(await this.#options.approve?.(what)))
        throw new LabError(
          `${step.title} would destroy ${what}, which the plan did not show`,
          'run it again with --yes to agree',
        );
    }
  }
}

function changesOf(judged: Judged): readonly Change[] {
  if (judged.is === 'failed') throw judged.error;
  if (judged.is === 'later') throw new NotYet(judged.waitsFor, `what has to come first is not there: ${judged.says}`);
  return judged.is === 'change' ? judged.changes : [];
}
