import { BadInput, type Complaint } from '../model/errors.ts';
import { type Assignment, type PythonStatement, readDomainFile } from './domain-file-read.ts';
import type { LogicalLine } from './domain-file-statements.ts';
import { commentsIn, writeValue } from './domain-file-text.ts';
import { textStart } from './domain-file-tokens.ts';
import { PYTHON, sameValue } from './domain-file-values.ts';

export { type Assignment, type DomainFile, type PythonStatement, readDomainFile } from './domain-file-read.ts';
export { PYTHON, type Value } from './domain-file-values.ts';

/** What a domain file should say. Keys left out are not touched. */
export interface DomainEdits {
  readonly name?: string;
  readonly uuid?: string;
  /** MiB. */
  readonly memory?: number;
  /** MiB. */
  readonly maxmem?: number;
  readonly vcpus?: number;
  /** Disk specifications (disk-spec.ts). */
  readonly disk?: readonly string[];
  /** Network specifications (vif-spec.ts). */
  readonly vif?: readonly string[];
}

export interface EditOptions {
  /** Name of the file, for messages. */
  readonly file: string;
  /** Keep the old lines as comments above the new ones, as the document does. */
  readonly annotate: boolean;
  /** With annotate: remarks above the new line of a key, one line each, without `#`. */
  readonly notes?: { readonly [key in keyof DomainEdits]?: readonly string[] };
}

interface Edit {
  readonly key: keyof DomainEdits;
  readonly value: string | number | readonly string[];
}

interface Rewrite extends Edit {
  readonly assignment: Assignment;
}

/** In the document's order. */
const KEYS = ['name', 'uuid', 'maxmem', 'memory', 'vcpus', 'disk', 'vif'] as const;

function refusal({ key }: Edit, decides: Assignment | PythonStatement): Complaint | undefined {
  const plain = 'span' in decides && decides.operator === '=' && decides.value !== PYTHON;
  if (plain) return undefined;
  const what = 'span' in decides && decides.operator === '+=' ? `\`${key} +=\`` : `Python code that decides \`${key}\``;
  const hint = `Write it as one plain \`${key} = …\` with its final value; lab does not execute domain files.`;
  return { place: decides.place, message: `${what} cannot be edited`, hint };
}

function isAlready({ value, nested }: Assignment, wanted: Edit['value']): boolean {
  return !nested && sameValue(value, wanted);
}

const commented = (line: string) => (line.trim() === '' ? `#${line}` : `# ${line}`);

function remarks({ annotate, notes }: EditOptions, key: keyof DomainEdits): readonly string[] {
  return annotate ? (notes?.[key] ?? []).map(commented) : [];
}

/** A logical line with some of its values replaced, and on top of it what would be lost otherwise. */
function rewriteLine(
  text: string,
  { start, end }: LogicalLine,
  rewrites: readonly Rewrite[],
  options: EditOptions,
  eol: string,
): string {
  const old = text.slice(start, end);
  const indent = /^[ \t]*/.exec(old)?.[0] ?? '';
  const oldLines = options.annotate ? old.split(/\r?\n/).map(commented) : [];
  // Among the old lines are the comments inside a value; without them, those comments move up.
  const above = rewrites.flatMap(({ key, assignment: { span } }) =>
    options.annotate
      ? remarks(options, key)
      : commentsIn(text.slice(span.start, span.end)).map((comment) => indent + comment),
  );
  let line = '';
  let at = start;
  for (const { key, value, assignment } of rewrites) {
    const { span } = assignment;
    line += text.slice(at, span.start) + writeValue(value, text.slice(span.start, span.end), options.file, key);
    at = span.end;
  }
  return [...oldLines, ...above, line].join(eol) + text.slice(at, end);
}

/** The new lines for keys that the file does not have, at its end. Without a line break there, there is none afterwards. */
function append(text: string, edits: readonly Edit[], options: EditOptions, eol: string): string {
  if (edits.length === 0) return text;
  const lines = edits.flatMap(({ key, value }) => [
    ...remarks(options, key),
    `${key} = ${writeValue(value, '', options.file, key)}`,
  ]);
  const isOpen = text.length > textStart(text) && !text.endsWith('\n');
  return text + (isOpen ? eol : '') + lines.join(eol) + (isOpen ? '' : eol);
}

/**
 * Edits a Xen domain file of either dialect. All that is not asked for stays as it is, byte by byte; a value that is
 * already right is not touched, so that editing twice is editing once; a key that is missing is appended.
 * @throws BadInput with every complaint: Python code or `+=` where an edit is needed, values that cannot be written, and
 *   text that neither dialect can read
 */
export function editDomainFile(text: string, edits: DomainEdits, options: EditOptions): string {
  const domain = readDomainFile(text, options.file);
  const missing: Edit[] = [];
  const rewrites: Rewrite[] = [];
  const complaints: Complaint[] = [];
  for (const key of KEYS) {
    const value = edits[key];
    if (value === undefined) continue;
    const decides = domain.decides.get(key);
    if (decides === undefined) {
      missing.push({ key, value });
      continue;
    }
    const complaint = refusal({ key, value }, decides);
    if (complaint) complaints.push(complaint);
    else if ('span' in decides && !isAlready(decides, value)) rewrites.push({ key, value, assignment: decides });
  }
  if (complaints.length > 0) throw new BadInput(complaints);

  const newline = /\r?\n/.exec(text)?.[0] ?? '\n';
  rewrites.sort((a, b) => a.assignment.span.start - b.assignment.span.start);
  let edited = '';
  let at = 0;
  for (const line of new Set(rewrites.map(({ assignment }) => assignment.line))) {
    const onLine = rewrites.filter(({ assignment }) => assignment.line === line);
    edited += text.slice(at, line.start) + rewriteLine(text, line, onLine, options, newline);
    at = line.end;
  }
  return append(edited + text.slice(at), missing, options, newline);
}
