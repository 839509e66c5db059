import { BadInput, type Complaint } from '../model/errors.ts';
import { type Assignment, assignments, BLANKS, skip, type Span } from './shell-vars-read.ts';

/** What a file of KEY=value lines sets, quotes removed and nothing expanded. The last assignment wins. */
export function readShellVars(text: string): ReadonlyMap<string, string> {
  return new Map(assignments(text).map(({ key, value }) => [key, value]));
}

function written(value: string): string {
  return /^[\w@%+:,./=-]*$/.test(value) ? value : `"${value.replace(/[$`"\\]/g, '\\$&')}"`;
}

function refusals(text: string, found: readonly Assignment[], vars: Readonly<Record<string, string | undefined>>) {
  const file = 'KEY=value';
  const open = found.find(({ isOpen }) => isOpen);
  const complaints: Complaint[] = Object.entries(vars)
    .filter(([key, value = '']) => !/^[A-Za-z_]\w*$/.test(key) || /(?!\t)[\p{Cc}\p{Cs}]/u.test(value))
    .map(([key, value]) => ({ place: { file }, message: `${JSON.stringify(`${key}=${value}`)} is no line of shell` }));
  if (!open) return complaints;
  const line = text.slice(0, open.start).split('\n').length;
  return [...complaints, { place: { file, line }, message: `the quote in the value of ${open.key} is never closed` }];
}

/**
 * Sets variables in a file of KEY=value lines; undefined removes one. Only what differs is changed: an assignment is replaced
 * where it stands, the last one if there are several; one that is missing is appended. Editing twice is editing once.
 * @throws BadInput for keys and values that are none, and for a text that no shell reads
 */
export function editShellVars(text: string, vars: Readonly<Record<string, string | undefined>>): string {
  const found = assignments(text);
  const complaints = refusals(text, found, vars);
  if (complaints.length > 0) throw new BadInput(complaints);
  const eol = /\r?\n/.exec(text)?.[0] ?? '\n';
  const cuts: { readonly start: number; readonly end: number; readonly put: string }[] = [];
  const missing: string[] = [];
  for (const [key, value] of Object.entries(vars)) {
    const own = found.filter((one) => one.key === key);
    const last = own.at(-1);
    if (value === undefined) cuts.push(...own.map((one) => removal(text, found, one, vars)));
    else if (!last) missing.push(`${key}=${written(value)}`);
    else if (last.value !== value || last.isExpanded)
      cuts.push({ start: last.valueStart, end: last.end, put: written(value) });
  }
  let [edited, at] = ['', 0];
  for (const { start, end, put } of cuts.sort((a, b) => a.start - b.start || a.end - b.end)) {
    edited += text.slice(at, Math.max(at, start)) + put;
    at = Math.max(at, end);
  }
  edited += text.slice(at);
  if (missing.length === 0) return edited;
  // A backslash at the end would take the first new line along.
  const joint =
    (edited === '' || edited.endsWith('\n') ? '' : edited.endsWith('\r') ? '\n' : eol) +
    (/\\\r?\n?$/.test(edited) ? eol : '');
  return `${edited}${joint}${missing.join(eol)}${eol}`;
}

/** The whole line or command, or what of it is to go: the others on it stay. */
function removal(
  text: string,
  found: readonly Assignment[],
  { line, command, hasOthers, start, end }: Assignment,
  vars: Readonly<Record<string, string | undefined>>,
) {
  const isAllOf = (span: Span) =>
    found
      .filter((one) => one.start >= span.start && one.end <= span.end)
      .every(({ key }) => Object.hasOwn(vars, key) && vars[key] === undefined);
  if (!hasOthers && isAllOf(line)) return { ...line, put: '' };
  return isAllOf(command) ? { ...command, put: '' } : { start, end: skip(BLANKS, text, end), put: '' };
}
