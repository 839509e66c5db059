import { asBadInput, findingsOf } from './findings.ts';
import { DOCUMENTS, labOf } from './judge.ts';
import type { Kept } from './kept.ts';
import type { Lab } from './lab.ts';
import { labSchema, type Spec } from './schema.ts';
import { readSource } from './source.ts';

/**
 * The lab that lab.yaml describes: defaults filled in, names, addresses, uuids and MACs decided, deeply frozen.
 * @param text of lab.yaml; any text at all
 * @param file how complaints call it
 * @param kept the guests that are on dom0 already: they keep what they are known by
 * @throws BadInput with every complaint of the first stage that has any: YAML, then single values, then rules on the whole
 */
export function readLab(text: string, file: string, kept?: Kept): Lab {
  return labReader(text, file).lab(kept);
}

/**
 * The same, where the guests that are on dom0 are known later: the text is read once.
 * @returns the values as they are written, with defaults; and the lab (throws BadInput for broken rules)
 * @throws BadInput
 */
export function labReader(text: string, file: string): { readonly values: Spec; lab(kept?: Kept): Lab } {
  const source = readSource(text, file);
  const parsed = labSchema.safeParse(source.data, { reportInput: true });
  if (!parsed.success) throw asBadInput(source, findingsOf(parsed.error.issues));
  return { values: parsed.data, lab: labOf(parsed.data, text, (findings) => asBadInput(source, findings)) };
}

/** The document's lab, where there is no lab.yaml: lolcats, of molly and frederick. */
export function defaultLab(): Lab {
  return readLab(...DOCUMENTS);
}
