import { createHash } from 'node:crypto';
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import { quote } from '../../hosts/quote.ts';
import type { Change, FileChange } from '../../model/change.ts';
import { once } from '../../model/once.ts';
import { clean, indented } from './words.ts';

/** Modes as people write them: `0644`. */
export function showMode(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

const sha256 = once((bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex'));

/** The text of a file, or undefined for one that is none. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

/** The unified diff of a file change; a new file is all `+`. undefined for secrets and for what is no text. */
export function diffOf({ path, before, after, secret }: FileChange): string | undefined {
  if (secret) return undefined;
  const [old, text] = [before && textOf(before), textOf(after)];
  if (text === undefined || (before && old === undefined)) return undefined;
  const from = before === undefined ? '/dev/null' : path;
  return createTwoFilesPatch(from, path, old ?? '', text, undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  });
}

/** A change as `--json` tells it. A secret is its digest, never its bytes. */
export function changeAsJson(change: Change): Record<string, unknown> {
  switch (change.is) {
    case 'command': {
      const { is, argv, input, why, destroys } = change;
      return { is, argv, input, why, destroys };
    }
    case 'act': {
      const { is, says, destroys } = change;
      return { is, says, destroys };
    }
    case 'wait':
      return { is: change.is, says: change.says };
    case 'file': {
      const { is, path, mode, after, secret } = change;
      return { is, path, mode: showMode(mode), sha256: sha256(after), secret, diff: diffOf(change) };
    }
  }
}

/** Lines of one change, for a person: what it is, and below it what belongs to it. */
export function changeAsText(change: Change): string {
  const text = clean(changeInWords(change));
  return 'destroys' in change && change.destroys !== undefined ? `${text}\n${destroysLine(change.destroys)}` : text;
}

/** Diffs with more lines than this are shown once. */
const LONG = 40;

/** The long diffs that were shown, and where. */
export class ShownDiffs {
  readonly #places = new Map<string, string>();

  /**
   * What stands for the diff of a file that was shown already: all guests have the same /etc/hosts.
   * @param place where it is shown now, if it was not
   */
  instead(change: Change, place: string): string | undefined {
    if (change.is !== 'file' || change.secret) return undefined;
    const { path, mode, before, after } = change;
    const lines = linesOf(after);
    if (lines <= LONG) return undefined;
    const key = `${before ? sha256(before) : ''} ${sha256(after)}`;
    const first = this.#places.get(key);
    if (first === undefined) this.#places.set(key, place);
    return first && clean(`write ${path} (mode ${showMode(mode)}): the same ${lines} lines as in “${first}”`);
  }
}

const linesOf = once((bytes: Uint8Array) => Buffer.from(bytes).toString('latin1').split('\n').length - 1);

/** Stands out in a plan also without colours. */
export function destroysLine(what: string): string {
  return `! destroys ${clean(what)}`;
}

function changeInWords(change: Change): string {
  switch (change.is) {
    case 'command': {
      const why = change.why === undefined ? '' : `# ${change.why}\n`;
      const stdin = change.input === undefined ? '' : ` <<'EOF'\n${indented(change.input.trimEnd(), 4)}\nEOF`;
      return `${why}$ ${quote(change.argv)}${stdin}`;
    }
    case 'act':
    case 'wait':
      return `* ${change.says}`;
    case 'file':
      return fileInWords(change);
  }
}

function fileInWords(change: FileChange): string {
  const { path, mode, before, after, secret } = change;
  const line = `write ${path} (mode ${showMode(mode)})`;
  const digest = `sha256 ${sha256(after)}`;
  if (secret) return `${line}: secret, ${digest}`;
  const diff = diffOf(change);
  if (diff === undefined) return `${line}: ${after.length} bytes that are no text, ${digest}`;
  if (before && Buffer.compare(before, after) === 0) return `${line}: its content stays`;
  return `${line}\n${indented(diff.trimEnd(), 2)}`;
}
