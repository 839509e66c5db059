import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  parseDocument,
  visit,
} from 'yaml';
import type { Complaint, Place } from '../model/errors.ts';
import { badInput } from './complaints.ts';
import { printable, quoted } from './words.ts';

/** Keys and list positions from the root of lab.yaml to a value. */
export type Path = readonly (string | number)[];

/** A parsed lab.yaml that knows where everything in it is written. */
export interface Source {
  /** Plain objects, arrays and scalars; nothing about it is checked yet. */
  readonly data: unknown;
  /** Where the value at `path` is written, or its key; where it is missing, the key of the nearest mapping that is there. */
  place(path: Path, at: 'key' | 'value'): Place;
  /** The value at `path` in words: `"10GG"`, `the number 7`, `a list`, `nothing`. */
  found(path: Path): string;
}

/** A real lab.yaml has 1 kB and 4 levels. Past these limits the parser gets slow, and nested deeper it takes Node down with it. */
const MOST_CHARACTERS = 32 * 1024;
const MOST_LEVELS = 32;
const MOST_ALIASES = 100;

/**
 * @param written YAML, or any text at all
 * @param file how messages call it
 * @throws BadInput for what is not exactly one YAML document of plain keys and values, within the limits above
 */
export function readSource(written: string, file: string): Source {
  const text = written.replace(/^\uFEFF/, '');
  const lines = new LineCounter();
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const complaint = (offset: number, message: string): Complaint => ({ place: placeOf(offset), message });

  lines.addNewLine(0);
  if (text.length > MOST_CHARACTERS) {
    throw badInput([complaint(0, `found ${text.length} characters, expected at most ${MOST_CHARACTERS}`)]);
  }
  for (const { index } of text.matchAll(/\n/g)) lines.addNewLine(index + 1);
  const deep = tooDeep(text);
  if (deep !== undefined)
    throw badInput([complaint(deep, `found more than ${MOST_LEVELS} levels, one within another`)]);

  // The core schema whatever a %YAML line says; tags that it does not know are warnings.
  const document = parseDocument(text, { schema: 'core', resolveKnownTags: false, prettyErrors: false });
  const complaints = [...document.errors, ...document.warnings].map(({ code, message, pos: [offset] }) => {
    if (code === 'MULTIPLE_DOCS') return complaint(offset, 'found a second document (---), expected one');
    if (code !== 'DUPLICATE_KEY') return complaint(offset, `bad YAML: ${printable(message, 300)}`);
    const [key = ''] = /^[^\s:,}]*/.exec(text.slice(offset, offset + 100)) ?? [];
    return complaint(offset, `found the key ${quoted(key)} a second time, expected it once`);
  });
  if (complaints.length > 0) throw badInput(complaints);
  if (document.contents === null) throw badInput([complaint(0, 'found nothing, expected a lab with guests')]);
  visit(document, {
    Pair(_, { key }) {
      // __proto__ would not become a property: whoever wrote it would not be told.
      if (isScalar(key) && key.value !== '__proto__') return;
      const offset = (key as Node | null)?.range?.[0] ?? 0;
      complaints.push(complaint(offset, 'found a key that cannot be a name, expected a plain name'));
    },
  });
  if (complaints.length > 0) throw badInput(complaints);

  return {
    data: plain(document, (offset, message) => badInput([complaint(offset, message)])),
    place(path, at) {
      const { key, value, whole } = find(document, path);
      const visible = value?.range && value.range[1] > value.range[0];
      const node = at === 'value' && whole && visible ? value : (key ?? value);
      return placeOf(node?.range?.[0] ?? 0);
    },
    found(path) {
      const { value, whole } = find(document, path);
      return whole && value ? inWords(value) : 'nothing';
    },
  };
}

/** The offset at which nesting passes the limit. Parser keeps a stack of its own; the composer behind parseDocument recurses. */
function tooDeep(text: string): number | undefined {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    // The tokens are of no interest, only how many are still open.
    for (const _ of parser.next(lexeme));
    if (parser.stack.length > MOST_LEVELS) return parser.offset;
  }
  return undefined;
}

/** The document as plain data. Aliases that are broken, or that multiply (“billion laughs”), are refused. */
function plain(document: Document.Parsed, refuse: (offset: number, message: string) => Error): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    let offset = 0;
    visit(document, {
      Alias(_, alias) {
        offset = alias.range?.[0] ?? 0;
        return error.message.endsWith(`: ${alias.source}`) ? visit.BREAK : undefined;
      },
    });
    throw refuse(offset, `bad alias: ${printable(error.message, 300)}`);
  }
}

/** The last key and value on the way along `path`, through aliases; `whole`: the way led to its end. */
function find(document: Document.Parsed, path: Path): { key?: Node; value?: Node; whole: boolean } {
  const resolved = (node: unknown) => (isAlias(node) ? node.resolve(document) : node) as Node | undefined;
  let key: Node | undefined;
  let value = resolved(document.contents);
  for (const part of path) {
    const pair = isMap(value)
      ? value.items.find((item) => isScalar(item.key) && `${item.key.value ?? ''}` === part)
      : undefined;
    const next = isSeq(value) ? value.items[Number(part)] : pair?.value;
    if (next === undefined) return { ...(key && { key }), ...(value && { value }), whole: false };
    key = pair ? (pair.key as Node) : key;
    value = resolved(next);
  }
  return { ...(key && { key }), ...(value && { value }), whole: true };
}

function inWords(node: Node): string {
  if (isMap(node)) return node.items.length === 0 ? 'an empty mapping' : `a mapping of ${node.items.length}`;
  if (isSeq(node)) return 'a list';
  if (!isScalar(node) || node.value === null) return 'nothing';
  if (typeof node.value === 'string') return quoted(node.value);
  return typeof node.value === 'number' ? `the number ${printable(node.source ?? '')}` : `${node.value}`;
}
