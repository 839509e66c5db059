import { speaks, type Token } from './domain-file-tokens.ts';

/** A logical line as Python means it: brackets and backslashes join lines. Without its last line break. */
export interface LogicalLine {
  readonly start: number;
  readonly end: number;
}

/** What stands between line breaks and semicolons; spaces and comments are left out. */
export interface Statement {
  readonly tokens: readonly [Token, ...Token[]];
  readonly line: LogicalLine;
  /** Part of a Python block (`if …:` and the indented lines below it): nobody knows whether it is executed. */
  readonly inBlock: boolean;
}

function splitAt(tokens: readonly Token[], ends: (token: Token) => boolean): readonly (readonly Token[])[] {
  const parts: Token[][] = [[]];
  for (const token of tokens) {
    if (token.depth === 0 && ends(token)) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

function indentOf(line: readonly Token[]): number {
  const [first] = line;
  return first?.kind === 'space' ? first.text.replaceAll('\t', '        ').length : 0;
}

/** All statements of a domain file, in order. */
export function statements(tokens: readonly Token[]): readonly Statement[] {
  const found: Statement[] = [];
  /** Indentation of the Python block we are in. */
  let block: number | undefined;
  for (const line of splitAt(tokens, ({ kind }) => kind === 'newline')) {
    const words = line.filter(speaks);
    if (words.length === 0) continue;
    const indent = indentOf(line);
    if (block !== undefined && indent <= block) block = undefined;
    // xl knows no colon outside strings; Python has it outside brackets in `if`, `def` and their like (and in lambdas).
    const opens = words.some(({ text, depth }) => text === ':' && depth === 0);
    const inBlock = opens || block !== undefined;
    if (words.at(-1)?.text === ':') block ??= indent;
    const span = { start: line[0]?.start ?? 0, end: line.at(-1)?.end ?? 0 };
    for (const part of inBlock ? [words] : splitAt(words, ({ text }) => text === ';')) {
      const [first, ...rest] = part;
      if (first) found.push({ tokens: [first, ...rest], line: span, inBlock });
    }
  }
  return found;
}
