import { BadInput, type Place } from '../model/errors.ts';

/**
 * The words of a Xen domain file, for both dialects at once: xm reads it as Python 2, xl with libxlu_cfg
 * (xen.git tools/libs/util/libxlu_cfg_l.l). Where one of them would refuse a character the other's reading is taken;
 * what both would refuse is a BadInput, or is left to whoever tries to understand the statement.
 */
export interface Token {
  /** `space` includes a backslash at the end of a line; `triple` is a Python string in three quotes. */
  readonly kind: 'space' | 'newline' | 'comment' | 'triple' | 'string' | 'name' | 'number' | 'symbol';
  readonly text: string;
  /** Offset in the text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** How many brackets are open around it; a bracket has the depth of its outside. */
  readonly depth: number;
  readonly place: Place;
}

/** Of the groups in WORD, in their order. */
const KINDS = ['space', 'newline', 'comment', 'name', 'number', 'symbol'] as const;

/** All but strings. One class a loop: regular expressions with more in their loops run out of stack on long texts. */
const WORD = new RegExp(
  [
    /([ \t\f]+|\\\r?\n)/,
    /(\r?\n)/,
    /(#[^\r\n]*)/,
    /([A-Za-z_][\w.]*)/,
    /([0-9][\w.]*)/,
    /((?:\*\*|\/\/|<<|>>|[-+*/%&|^<>!=])?=|.)/,
  ]
    .map((part) => part.source)
    .join('|'),
  'sy',
);

/** The string that begins at a quote; undefined if it is not closed. A backslash takes the next character along. */
function stringAt(text: string, start: number): Pick<Token, 'kind' | 'text'> | undefined {
  const quote = text.charAt(start);
  const triple = text.startsWith(quote.repeat(3), start);
  const closing = triple ? quote.repeat(3) : quote;
  for (let at = start + closing.length; at < text.length; at += 1) {
    if (text[at] === '\\') at += text.startsWith('\r\n', at + 1) ? 2 : 1;
    else if (text[at] === '\n' && !triple) return undefined;
    else if (text.startsWith(closing, at)) {
      return { kind: triple ? 'triple' : 'string', text: text.slice(start, at + closing.length) };
    }
  }
  return undefined;
}

function wordAt(text: string, start: number): Pick<Token, 'kind' | 'text'> {
  WORD.lastIndex = start;
  const found = WORD.exec(text) as RegExpExecArray;
  return { kind: KINDS.find((_, n) => found[n + 1] !== undefined) as Token['kind'], text: found[0] };
}

const CLOSES: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

function bad(place: Place, message: string, hint: string): BadInput {
  return new BadInput([{ place, message, hint }]);
}

/** Where each token ends on the page, counted along as the tokens are cut off. */
class Cursor {
  private line = 1;
  private lineStart: number;
  private readonly file: string;
  constructor(file: string, start: number) {
    this.file = file;
    this.lineStart = start;
  }
  at(offset: number): Place {
    return { file: this.file, line: this.line, column: offset - this.lineStart + 1 };
  }
  pass(text: string, start: number): void {
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
      this.line += 1;
      this.lineStart = start + at + 1;
    }
  }
}

/** Where the first line begins: behind a byte order mark, if there is one. */
export function textStart(text: string): number {
  return text.startsWith('\uFEFF') ? 1 : 0;
}

/**
 * Cuts a domain file into tokens without gaps: joined together they are the text again (less a byte order mark).
 * @throws BadInput for a string or bracket that is not closed, a bracket that closes nothing, a backslash that continues
 *   the last line, and a carriage return that ends no line (a new line for xm, part of a comment for xl)
 */
export function tokenize(text: string, file: string): readonly Token[] {
  const tokens: Token[] = [];
  const open: Token[] = [];
  const cursor = new Cursor(file, textStart(text));
  for (let start = textStart(text); start < text.length;) {
    const place = cursor.at(start);
    const isString = text[start] === '"' || text[start] === "'";
    const found = isString ? stringAt(text, start) : wordAt(text, start);
    if (!found) throw bad(place, 'a string that is not closed', 'Close it, on the same line.');
    const { kind, text: word } = found;
    const end = start + word.length;
    if (/\r(?!\n)/.test(word)) {
      throw bad(place, 'a carriage return without a line feed', 'End lines with LF, or with CR LF.');
    }
    if (end === text.length && (word === '\\' || (kind === 'space' && word.startsWith('\\')))) {
      throw bad(place, 'a backslash that continues the last line', 'Remove it, or write the line that belongs to it.');
    }
    const opener = kind === 'symbol' ? CLOSES[word] : undefined;
    if (opener !== undefined && open.pop()?.text !== opener) {
      throw bad(place, `\`${word}\` closes nothing`, 'Remove it, or open it.');
    }
    const token: Token = { kind, text: word, start, end, depth: open.length, place };
    tokens.push(token);
    if (word === '(' || word === '[' || word === '{') open.push(token);
    cursor.pass(word, start);
    start = end;
  }
  const unclosed = open[0];
  if (unclosed) throw bad(unclosed.place, `\`${unclosed.text}\` is never closed`, 'Close it.');
  return tokens;
}

/** Whether a token says something to the dialects. */
export function speaks({ kind }: Token): boolean {
  return kind !== 'space' && kind !== 'newline' && kind !== 'comment';
}
