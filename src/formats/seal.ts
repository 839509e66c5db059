import { createHash } from 'node:crypto';

/*
 * The mark on a text that lab writes, in a comment of it: whose it is, and a seal over all the rest. A seal that fits says that
 * the text is as some lab wrote it, of this version or an older one; one that does not, that somebody edited it since.
 */

/** What a mark says of a text. */
export interface TextMark {
  readonly lab: string;
  /** As lab wrote it. A mark without a seal vouches for nothing. */
  readonly intact: boolean;
}

/** A comment in XML holds no two hyphens in a row: a blank parts them there. Names of labs have none. */
const phrase = /(Written by lab for|This guest belongs to the lab) ([\w -]+?)(?: \(seal ([0-9a-f]{16})\))?([;.:])/;

/** The words of the mark, for a comment of whatever kind: `seal` adds the seal. */
export function markWords(lab: string): string {
  return `Written by lab for ${lab.replace(/-(?=-)/g, '- ')}; lab up writes it again, lab destroy removes it.`;
}

/** The same, as the first line of a text with `#` comments. */
export function markLine(lab: string): string {
  return `# ${markWords(lab)}`;
}

/** The text without its seal: what counts when two are compared. */
export function unsealed(text: string): string {
  return text.replace(phrase, '$1 $2$4');
}

const sealOf = (text: string) => createHash('sha256').update(unsealed(text)).digest('hex').slice(0, 16);

/** Puts the seal into the mark of a text; one without a mark stays as it is. */
export function sealed(text: string): string {
  return text.replace(phrase, `$1 $2 (seal ${sealOf(text)})$4`);
}

/** The mark of a text; undefined: lab did not write it. */
export function readMark(text: string): TextMark | undefined {
  const found = phrase.exec(text);
  if (!found) return undefined;
  return { lab: (found[2] ?? '').replaceAll(' ', ''), intact: found[3] === sealOf(text) };
}
