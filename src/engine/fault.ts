import { BadInput, LabError } from '../model/errors.ts';

/** A failure made on purpose. Never retried: the point is to see what a failure leaves behind. */
export class InjectedFault extends LabError {}

/** Where the N-th change (from 1) of a run goes wrong. */
export interface Fault {
  readonly how: 'fail' | 'kill-before' | 'kill-after' | 'kill-during';
  readonly at: number;
}

/**
 * `LAB_FAULT=fail:N|kill-before:N|kill-after:N|kill-during:N`: rehearse a failure, or a death by SIGKILL, on any host.
 * @throws BadInput
 */
export function readFault(text: string | undefined): Fault | undefined {
  if (!text) return undefined;
  const found = /^(fail|kill-before|kill-after|kill-during):([1-9]\d*)$/.exec(text);
  if (!found) {
    throw new BadInput([
      {
        place: { file: 'LAB_FAULT' },
        message: `found "${text}", expected fail:N, kill-before:N, kill-after:N or kill-during:N, N from 1`,
      },
    ]);
  }
  return { how: found[1] as Fault['how'], at: Number(found[2]) };
}

export function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
