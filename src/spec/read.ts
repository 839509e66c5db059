import { decideLab } from './decide.ts';
import { asBadInput, findingsOf } from './findings.ts';
import { type Kept, withKept } from './kept.ts';
import type { Lab } from './lab.ts';
import { brokenRules } from './rules.ts';
import { labSchema } from './schema.ts';
import { readSource } from './source.ts';

/**
 * The lab that lab.yaml describes: defaults filled in, names, addresses, uuids and MACs decided, deeply frozen.
 * @param text of lab.yaml; any text at all
 * @param file how complaints call it
 * @param kept the guests that are on dom0 already: they keep what they are known by
 * @throws BadInput with every complaint of the first stage that has any: YAML, then single values, then rules on the whole
 */
export function readLab(text: string, file: string, kept?: Kept): Lab {
  return labReader(text, file)(kept);
}

/** The same, where the guests that are on dom0 are known later: the text is read once. @throws BadInput */
export function labReader(text: string, file: string): (kept?: Kept) => Lab {
  const source = readSource(text, file);
  const parsed = labSchema.safeParse(source.data, { reportInput: true });
  if (!parsed.success) throw asBadInput(source, findingsOf(parsed.error.issues));
  return (kept = new Map()) => {
    const spec = withKept(parsed.data, kept);
    const findings = brokenRules(spec);
    if (findings.length > 0) throw asBadInput(source, findings);
    return deepFreeze({ ...decideLab(spec, kept), source: text });
  };
}

/** The document's lab, where there is no lab.yaml: lolcats, of molly and frederick. */
export function defaultLab(): Lab {
  return readLab(...DOCUMENTS);
}

/** Its lab.yaml, and what complaints call it. */
export const DOCUMENTS = ['guests: {molly: {}, frederick: {}}', 'the default lab'] as const;

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
