import { closest, distance } from 'fastest-levenshtein';

/** How much of somebody's text a message repeats, in characters. */
const ENOUGH = 60;

/** Text from outside made fit for a terminal: control and direction characters as escapes, and not too much of it. */
export function printable(text: string, most = ENOUGH): string {
  const short = text.length > most ? `${text.slice(0, most)}…` : text;
  return short.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** `"10GG"`. */
export function quoted(text: string): string {
  return `"${printable(text).replaceAll('"', '\\"')}"`;
}

/** `debian, copy or virtInstall`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/** The hint `did you mean "memory"?` for `memroy`; undefined if no name is near, or what was written is far too long for one. */
export function didYouMean(written: string, names: readonly string[]): string | undefined {
  if (names.length === 0 || written.length > ENOUGH) return undefined;
  const lower = written.toLowerCase();
  const nearest = closest(
    lower,
    names.map((name) => name.toLowerCase()),
  );
  if (distance(lower, nearest) > Math.max(1, Math.floor(nearest.length / 3))) return undefined;
  return `did you mean ${quoted(names.find((name) => name.toLowerCase() === nearest) ?? nearest)}?`;
}

/** `guests.molly.memory`; parts that are no plain names are quoted. Empty for the root. */
export function pathWords(path: readonly (string | number)[]): string {
  return path.map((part) => (/^[\w-]{1,63}$/.test(`${part}`) ? part : quoted(`${part}`))).join('.');
}
