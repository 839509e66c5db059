import type { Token } from './domain-file-tokens.ts';

/** Stands for a value that only a Python interpreter could tell. It is never computed. */
export const PYTHON: unique symbol = Symbol('Python code');

/** What is assigned: a string, a number, a list (nested lists flattened one level, numbers as written), or Python code. */
export type Value = string | number | readonly string[] | typeof PYTHON;

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\n': '',
  '\r\n': '',
  '"': '"',
  "'": "'",
  '\\': '\\',
};

/** The content of a quoted string. An escape that is none stays as it is: so does Python, and xl refuses the file. */
function unquote(source: string): string {
  return source
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|(\r\n|.))/gs, (whole, hex?: string, octal?: string, char = '') => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
      return Object.hasOwn(ESCAPES, char) ? (ESCAPES[char] as string) : whole;
    });
}

/** A number as xl (strtol with base 0) and Python 2 read it: decimal, 0x…, octal with a leading 0; `256L` is Python's. */
function numberOf(source: string): number | typeof PYTHON {
  const match = /^(?:0x([0-9a-f]+)|(0[0-7]*)|([1-9][0-9]*))L?$/i.exec(source);
  if (!match) return PYTHON;
  const [, hex, octal, decimal] = match;
  const value = Number.parseInt(hex ?? octal ?? decimal ?? '', hex ? 16 : octal ? 8 : 10);
  return Number.isSafeInteger(value) ? value : PYTHON;
}

function listOf(tokens: readonly Token[], depth: number): readonly string[] | typeof PYTHON {
  const items: string[] = [];
  let comma = true;
  for (const token of tokens) {
    const nests = token.kind === 'symbol' && (token.text === '[' || token.text === ']') && token.depth === depth;
    if (token.text === ',') {
      if (comma) return PYTHON;
      comma = true;
    } else if (nests && token.text === ']') {
      comma = false;
    } else if (!comma) {
      // Two values side by side: one string for Python, an error for xl.
      return PYTHON;
    } else if (token.kind === 'string') {
      items.push(unquote(token.text));
      comma = false;
    } else if (token.kind === 'number' && numberOf(token.text) !== PYTHON) {
      items.push(token.text);
      comma = false;
    } else if (!nests) {
      return PYTHON;
    }
  }
  return items;
}

/** What the tokens right of `=` say. */
export function readValue(tokens: readonly Token[]): Value {
  const [first] = tokens;
  const last = tokens.at(-1);
  if (first === undefined || last === undefined) return PYTHON;
  if (tokens.length === 1 && first.kind === 'string') return unquote(first.text);
  if (tokens.length === 1 && first.kind === 'number') return numberOf(first.text);
  const isList =
    first.text === '[' && last.text === ']' && tokens.slice(1, -1).every(({ depth }) => depth > first.depth);
  return isList ? listOf(tokens.slice(1, -1), first.depth + 1) : PYTHON;
}

/** The same to both dialects: they read numbers out of strings too. */
export function sameValue(value: Value, wanted: Value): boolean {
  if (Array.isArray(value) && Array.isArray(wanted)) {
    return value.length === wanted.length && value.every((item, at) => item === wanted[at]);
  }
  if (typeof value === 'string' && typeof wanted === 'number') return value === String(wanted);
  return value !== PYTHON && value === wanted;
}
