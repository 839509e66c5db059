import type { Cause, Finding } from './probe.ts';

export interface Diagnosis {
  /** The layer that the cause was found in. */
  readonly layer?: string;
  /** undefined: none was found. */
  readonly cause?: Cause;
  /** Every layer that was looked at holds, the path among them. */
  readonly allHold: boolean;
  /** In one sentence. */
  readonly says: string;
}

/**
 * The one cause. The findings come in causal order (probesOf): whatever is broken may break what comes after it, and nothing
 * before it; so the first broken layer is the one to cure, and is never a mere consequence.
 */
export function diagnose(findings: readonly Finding[]): Diagnosis {
  const first = findings.find(({ state, cause }) => state === 'broken' && cause !== undefined);
  if (first?.cause) return { layer: first.layer, cause: first.cause, allHold: false, says: first.cause.says };
  const path = findings.find(({ layer }) => layer === 'path');
  if (path?.state === 'holds') return { allHold: true, says: 'all layers hold' };
  const unseen = findings.filter(({ state }) => state === 'unknown').map(({ layer }) => layer);
  return { allHold: false, says: `nothing broken was seen, but these could not be looked at: ${unseen.join(', ')}` };
}
