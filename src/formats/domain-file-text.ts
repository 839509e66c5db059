import { BadInput } from '../model/errors.ts';
import { speaks, tokenize } from './domain-file-tokens.ts';

/** How a list is laid out: the texts before, between and behind its items, and the quotes around them. */
interface Layout {
  readonly quote: string;
  readonly open: string;
  readonly separator: string;
  readonly close: string;
}

/** As virt-install wrote it (the document, Creating virtual machines 5). */
const USUAL: Layout = { quote: '"', open: '[ ', separator: ', ', close: ' ]' };

/**
 * A string for both dialects. The wished quotes if the value lets them, else the others, else with a backslash, which
 * both dialects know before quotes and backslashes.
 * @throws BadInput for what no one-line string can hold: line breaks, control characters, lone surrogates
 */
function quoted(value: string, wished: string, file: string, key: string): string {
  if (/[\p{Cc}\p{Cs}]/u.test(value)) {
    const message = `${key} ${JSON.stringify(value)} has a control character`;
    throw new BadInput([{ place: { file }, message, hint: 'A domain file holds one-line strings only.' }]);
  }
  const other = wished === '"' ? "'" : '"';
  const quote = value.includes(wished) && !value.includes(other) ? other : wished;
  return quote + value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`) + quote;
}

/** White space of a gap between items: without comments, and of several line breaks the last one with its indentation. */
function gap(text: string): string {
  const last = text.lastIndexOf('\n');
  if (last === -1) return text;
  return (text[last - 1] === '\r' ? '\r\n' : '\n') + text.slice(last + 1);
}

/** How the old value was written, so that the new one looks like it. */
function layoutOf(old: string): Layout {
  const words = tokenize(old, '').filter(speaks);
  const quote = words.find(({ kind }) => kind === 'string')?.text.charAt(0) ?? USUAL.quote;
  const [bracket, first, comma, second] = words;
  const last = words.at(-2);
  if (bracket?.text !== '[' || first?.kind !== 'string' || !last) return { ...USUAL, quote };
  const open = gap(old.slice(bracket.end, first.start));
  const between =
    comma && second?.kind === 'string' ? gap(old.slice(comma.end, second.start)) : open.includes('\n') ? open : ' ';
  const close = (last.text === ',' ? ',' : '') + gap(old.slice(last.end, -1));
  return { quote, open: `[${open}`, separator: `,${between}`, close: `${close}]` };
}

/** The comments inside a value that spans lines. */
export function commentsIn(old: string): readonly string[] {
  return tokenize(old, '')
    .filter(({ kind }) => kind === 'comment')
    .map(({ text }) => text);
}

/**
 * A value as it is written in a domain file, in the manner of the text it replaces.
 * @throws BadInput for a string that cannot be written, and a number that is no whole one from 0 up
 */
export function writeValue(value: string | number | readonly string[], old: string, file: string, key: string): string {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && value >= 0) return String(value);
    throw new BadInput([{ place: { file }, message: `${key} ${value} is not a whole number from 0 up` }]);
  }
  const { quote, open, separator, close } = layoutOf(old);
  if (typeof value === 'string') return quoted(value, quote, file, key);
  return value.length === 0
    ? '[ ]'
    : open + value.map((item) => quoted(item, quote, file, key)).join(separator) + close;
}
