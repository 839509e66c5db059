import type { Place } from '../model/errors.ts';
import { type LogicalLine, type Statement, statements } from './domain-file-statements.ts';
import { type Token, tokenize } from './domain-file-tokens.ts';
import { PYTHON, readValue, type Value } from './domain-file-values.ts';

/** `key = value`, as both dialects know it. Offsets are UTF-16 units in the text, ends exclusive. */
export interface Assignment {
  readonly key: string;
  readonly operator: '=' | '+=';
  readonly value: Value;
  /** The value is a list that holds lists: `value` has them flattened. */
  readonly nested: boolean;
  /** Of the value alone: from its first token to its last one. */
  readonly span: { readonly start: number; readonly end: number };
  /** Of the logical line it stands on, with indentation, comments and neighbours behind a `;`. */
  readonly line: LogicalLine;
  /** Of the key. */
  readonly place: Place;
}

/** A statement that is no plain assignment: kept, never executed. It may change every name that it mentions. */
export interface PythonStatement {
  readonly names: ReadonlySet<string>;
  readonly place: Place;
}

export interface DomainFile {
  readonly file: string;
  readonly assignments: readonly Assignment[];
  /** What each key is in the end: the last assignment wins in both dialects. PYTHON: only an interpreter could tell. */
  readonly values: ReadonlyMap<string, Value>;
  /** The statement that decides a key: the last one that assigns or mentions it. */
  readonly decides: ReadonlyMap<string, Assignment | PythonStatement>;
}

/** Whether a token assigns to what stands before it: `=`, `+=`, `//=` …, but no comparison. */
function assigns({ kind, text, depth }: Token): boolean {
  return kind === 'symbol' && depth === 0 && text.endsWith('=') && !['==', '!=', '<=', '>='].includes(text);
}

function assignmentOf({ tokens, line, inBlock }: Statement): Assignment | undefined {
  const [key, operator, ...value] = tokens;
  const first = value[0];
  const last = value.at(-1);
  if (inBlock || key.kind !== 'name' || !first || !last || value.some(assigns)) return undefined;
  if (operator?.text !== '=' && operator?.text !== '+=') return undefined;
  return {
    key: key.text,
    operator: operator.text,
    value: readValue(value),
    nested: value.some(({ text, depth }) => text === '[' && depth > 0),
    span: { start: first.start, end: last.end },
    line,
    place: key.place,
  };
}

/** `disk` for `disk.append(…)`. */
function namesIn(tokens: readonly Token[]): ReadonlySet<string> {
  return new Set(tokens.filter(({ kind }) => kind === 'name').map(({ text }) => text.replace(/\..*/, '')));
}

/**
 * Reads a Xen domain file of either dialect: xm's (Python) and xl's (xl.cfg(5)). Nothing in it is executed.
 * @param file its name, for messages
 * @throws BadInput if neither dialect could read it: a string or bracket that is not closed
 */
export function readDomainFile(text: string, file: string): DomainFile {
  const assignments: Assignment[] = [];
  const values = new Map<string, Value>();
  const decides = new Map<string, Assignment | PythonStatement>();
  for (const statement of statements(tokenize(text, file))) {
    const assignment = assignmentOf(statement);
    if (assignment) {
      assignments.push(assignment);
      values.set(assignment.key, assignment.operator === '=' ? assignment.value : PYTHON);
      decides.set(assignment.key, assignment);
    } else {
      const python = { names: namesIn(statement.tokens), place: statement.tokens[0].place };
      for (const name of python.names) {
        decides.set(name, python);
        if (values.has(name)) values.set(name, PYTHON);
      }
    }
  }
  return { file, assignments, values, decides };
}
