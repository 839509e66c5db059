import { BadInput, LabError } from '../model/errors.ts';

/** A failure made on purpose. Never retried: the point is to see what a failure leaves behind. */
export class InjectedFault extends LabError {}

/** At the N-th change of a run, as the plan counts them (apply.ts). */
const atChanges = ['fail', 'kill-before', 'kill-after', 'kill-during'] as const;
/** At the N-th command that may change something, a trial's among them (faulty.ts). */
const atCommands = ['refuse', 'refuse-always', 'crash', 'full', 'drop', 'reboot'] as const;
/** At the N-th look (faulty.ts). */
const atLooks = ['look', 'look-always', 'look-drop'] as const;

export const hows = [...atChanges, ...atCommands, ...atLooks] as const;

/** What a fault counts, to find its N-th. */
export function countedBy({ how }: Fault): 'changes' | 'commands' | 'looks' {
  const among = (kind: readonly string[]) => kind.includes(how);
  return among(atChanges) ? 'changes' : among(atCommands) ? 'commands' : 'looks';
}

/** What goes wrong in a run, and where: counted from 1. docs/faults.md says what each of them is. */
export interface Fault {
  readonly how: (typeof hows)[number];
  readonly at: number;
}

/**
 * `LAB_FAULT=HOW:N`: rehearse a failure, or a death by SIGKILL, on any host.
 * @throws BadInput
 */
export function readFault(text: string | undefined): Fault | undefined {
  if (!text) return undefined;
  const [, how, at] = /^([a-z-]+):([1-9]\d{0,8})$/.exec(text) ?? [];
  const known = hows.find((name) => name === how);
  if (known === undefined) {
    const message = `found "${text}", expected HOW:N, N from 1, HOW one of ${hows.join(', ')}`;
    throw new BadInput([{ place: { file: 'LAB_FAULT' }, message }]);
  }
  return { how: known, at: Number(at) };
}

export function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
