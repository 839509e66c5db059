import type { Change, FileChange } from '../model/change.ts';
import { LabError } from '../model/errors.ts';

/** The files of ours among them that somebody edited since. */
export function byHand(changes: readonly Change[]): readonly FileChange[] {
  return changes.filter((change) => change.is === 'file' && change.byHand !== undefined) as readonly FileChange[];
}

/** What is said of one that nobody gave up. */
export function editedByHand({ path, byHand: copy }: FileChange): LabError {
  return new LabError(
    `${path} was edited by hand since lab wrote it`,
    `lab up --yes writes it again, and keeps your version as ${copy}; what is to last belongs in lab.yaml`,
  );
}
