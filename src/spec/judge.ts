import type { BadInput } from '../model/errors.ts';
import { decideLab } from './decide.ts';
import type { Finding } from './findings.ts';
import { type Kept, withKept } from './kept.ts';
import type { Lab } from './lab.ts';
import { brokenRules } from './rules.ts';
import type { Spec } from './schema.ts';

/** The document's lab, where there is no lab.yaml: its text, and what complaints call it. */
export const DOCUMENTS = ['guests: {molly: {}, frederick: {}}', 'the default lab'] as const;

/**
 * The lab of values that the schema took.
 * @param text in which they were written
 * @param refused made of what the rules on the whole complain about, and thrown
 */
export function labOf(values: Spec, text: string, refused: (findings: readonly Finding[]) => BadInput) {
  return (kept: Kept = new Map()): Lab => {
    const spec = withKept(values, kept);
    const findings = brokenRules(spec);
    if (findings.length > 0) throw refused(findings);
    return deepFreeze({ ...decideLab(spec, kept), source: text });
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
