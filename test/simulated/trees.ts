import type { Journal } from '../../src/engine/journal.ts';
import { dryRun } from '../../src/engine/dry-run.ts';
import { up } from '../../src/engine/up.ts';
import type { FileChange } from '../../src/model/change.ts';
import type { Event, StepEvent } from '../../src/model/event.ts';
import type { Hosts } from '../../src/model/host.ts';
import type { Chapter } from '../../src/model/step.ts';
import { tree } from '../cli/process.ts';

/** Nothing is written down: a test of what is in the world alone. */
const journal = { add: async () => {}, evidence: async () => undefined } as unknown as Journal;

export interface Course {
  readonly steps: readonly StepEvent[];
  /** Of the steps that failed: `id: message`. */
  readonly failed: readonly string[];
}

/** Plans chapters (`dry`), or makes them true. @param consent the answer about files that were edited by hand */
export async function course(
  hosts: Hosts,
  chapters: readonly Chapter[],
  { dry = false, consent }: { dry?: boolean; consent?: (edited: readonly FileChange[]) => Promise<boolean> } = {},
): Promise<Course> {
  const steps: StepEvent[] = [];
  const emit = (event: Event) => {
    if (event.event === 'step') steps.push(event);
  };
  const options = { lab: 'lolcats', where: 'simulated', chapters, hosts, journal, proofs: journal, emit };
  await (dry ? dryRun : up)({ ...options, slowness: async () => 1, pause: 5, ...(consent ? { consent } : {}) });
  const bad = steps.filter(({ verdict }) => verdict === 'failed');
  return { steps, failed: bad.map(({ id, failure }) => `${id}: ${failure?.message}`) };
}

/** What the daemons and the package manager of dom0 write for themselves. */
const theirs = /^\/(var\/(log|lock|run\/[^/]*\.pid)|var\/lib\/(dpkg|rpm)|lib\/systemd|etc\/libvirt)(\/|$)/;

/** The files of a dom0, with content and modes, but for what is not lab's business. */
export function dom0Tree(directory: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(tree(directory)).filter(([path]) => !theirs.test(path)));
}
