export interface Span {
  readonly start: number;
  readonly end: number;
}

/** `KEY=value` in a file that sh(1) sources, such as /etc/sysconfig/cman. Offsets in the text, ends exclusive. */
export interface Assignment {
  readonly key: string;
  readonly value: string;
  /** Of `KEY=value`. */
  readonly start: number;
  /** Of the value as written, with its quotes. */
  readonly valueStart: number;
  readonly end: number;
  /** The command it is part of, such as `export A=1 B=2;`, with its semicolon. */
  readonly command: Span;
  /** The lines it stands on, with the line break. */
  readonly line: Span;
  /** The line also holds commands that set nothing. */
  readonly hasOthers: boolean;
  /** A shell would put something else there: `$HOME`, `~`, a command. */
  readonly isExpanded: boolean;
  /** A quote is never closed: no shell reads this file. */
  readonly isOpen: boolean;
}

/** White space of a line; a backslash takes the next one along. */
export const BLANKS = /[ \t]*(?:\\(?:\r?\n|$)[ \t]*)*/y;
const EXPORT = /(?:export[ \t]+)?/y;
const NAME = /([A-Za-z_][A-Za-z0-9_]*)=/y;
const LINE_END = /(?=#|\r?\n|\r?$)/y;
const LINE_REST = /[^\n]*\n?/y;
/** Pieces of a word that are not in double quotes: single quotes, an escaped character, plain ones. */
const PIECE = /'([^']*)'|\\(\r?\n|[^]|$)|([^\s'"\\;&|<>()]+)/y;

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** The offset behind what a sticky pattern matches. */
export const skip = (pattern: RegExp, text: string, at: number) => at + (match(pattern, text, at)?.[0].length ?? 0);

/** What stands in the double quotes that begin at an offset; undefined if none do, or they are never closed. */
function doubleQuoted(text: string, start: number): string | undefined {
  if (text[start] !== '"') return undefined;
  let end = start + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  return end < text.length ? text.slice(start + 1, end) : undefined;
}

/** The word of sh that begins at an offset: quotes and escapes removed, nothing expanded. */
function wordAt(text: string, start: number): Pick<Assignment, 'value' | 'end' | 'isExpanded' | 'isOpen'> {
  let [value, end, isExpanded] = ['', start, false];
  for (;;) {
    const inDouble = doubleQuoted(text, end);
    const [piece, single, escaped, plain] =
      inDouble === undefined ? (match(PIECE, text, end) ?? []) : [`"${inDouble}"`];
    if (piece === undefined) break;
    if (inDouble !== undefined) value += inDouble.replace(/\\(?:\r?\n|([$`"\\]))/g, '$1');
    else value += single ?? (escaped?.endsWith('\n') ? '' : escaped) ?? plain ?? '';
    isExpanded ||= /[$`]/.test((inDouble ?? plain ?? '').replace(/\\[^]/g, '')) || piece.startsWith('~');
    end += piece.length;
  }
  const isOpen = text[end] === '"' || text[end] === "'";
  return { value, end, isExpanded, isOpen };
}

/** All assignments, in order. Those right before a command (`LANG=C date`) hold for that command alone, and are none. */
export function assignments(text: string): readonly Assignment[] {
  const found: Assignment[] = [];
  for (let lineStart = 0; lineStart < text.length;) {
    const commands: Omit<Assignment, 'line' | 'hasOthers'>[][] = [];
    let [at, isOver] = [skip(BLANKS, text, lineStart), false];
    while (!isOver) {
      const start = at;
      const words: Omit<Assignment, 'line' | 'hasOthers' | 'command'>[] = [];
      at = skip(EXPORT, text, at);
      for (let name = match(NAME, text, at); name; name = match(NAME, text, at)) {
        const valueStart = at + name[0].length;
        const word = wordAt(text, valueStart);
        words.push({ key: name[1] ?? '', start: at, valueStart, ...word });
        at = skip(BLANKS, text, word.end);
      }
      isOver = text[at] !== ';' || words.length === 0;
      if (isOver && !match(LINE_END, text, at) && !words.at(-1)?.isOpen) break;
      if (!isOver) at = skip(BLANKS, text, at + 1);
      commands.push(words.map((word) => ({ ...word, command: { start, end: at } })));
    }
    const hasOthers = !match(LINE_END, text, at);
    const line = { start: lineStart, end: skip(LINE_REST, text, at) };
    found.push(...commands.flat().map((one) => ({ ...one, line, hasOthers })));
    lineStart = line.end;
  }
  return found;
}
