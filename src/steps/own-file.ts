import { createHash } from 'node:crypto';
import { readMark, sealed, unsealed } from '../formats/seal.ts';
import { type Change, command, file } from '../model/change.ts';
import type { Reader } from '../model/host.ts';
import type { Look, Step } from '../model/step.ts';
import { type Placed, textOf } from './file-content.ts';
import { directoryOf, foreign, madeDirectory, type Owner } from './marks.ts';

/** What was there before lab wrote a file of this name; `lab destroy` puts it back. */
export const keptBefore = (path: string) => `${path}.before-lab`;

/** Somebody's edit of a file of ours, kept under the digest of its content: keeping it twice is keeping it once. */
const keptByHand = (path: string, bytes: Uint8Array) =>
  `${path}.by-hand-${createHash('sha256').update(bytes).digest('hex').slice(0, 8)}`;

/** Whether a path is that of such a copy. */
export const isCopy = (path: string): boolean => /\.(before-lab|by-hand-\w+)$/.test(path);

/** Whether a file is as the distribution brought it: nobody's work is lost with it, and it is kept without asking. */
export type Stock = (host: Reader, bytes: Uint8Array | undefined) => Promise<boolean | 'comes'>;

export interface OwnFile {
  readonly path: string;
  /** A permission mask, e.g. 0o600. */
  readonly mode: number;
  /** With the mark of formats/seal.ts in it: the seal is put in here. */
  readonly text: string;
  readonly stock?: Stock;
}

/**
 * The changes that give a file of dom0 its text. A hard link keeps what was there under another name, and the file that is
 * written then takes its name by a rename: at no instant is either missing.
 * @throws Foreign for a file that lab did not write, is not stock, and is not adopted
 */
export async function missingOwnFile(
  { host }: Pick<Look, 'host'>,
  owner: Owner,
  { path, mode, text, stock }: OwnFile,
): Promise<readonly Change[]> {
  const wanted = sealed(text);
  const [digest, stat] = await Promise.all([host.digest(path), host.stat(path)]);
  if (stat?.mode === mode && digest === createHash('sha256').update(wanted).digest('hex')) return [];
  const bytes = await host.readFile(path);
  const write = file(path, mode, wanted, bytes);
  const now = textOf(bytes);
  if (stat === undefined || bytes === undefined || now === undefined) {
    const comes = (await stock?.(host, bytes)) === 'comes';
    return [...(await madeDirectory(host, directoryOf(path), owner.name)), ...(comes ? [kept(path)] : []), write];
  }
  const mark = readMark(now);
  if (mark?.lab === owner.name) return isOurs(host, wanted, write, { now, intact: mark.intact, bytes });
  const isStock = mark === undefined && (await stock?.(host, bytes)) === true;
  if (!isStock && !owner.adopt?.includes(path)) throw foreign(path, mark?.lab, path);
  const before = await host.digest(keptBefore(path));
  // Cut short after the link: both are one file.
  if (before !== undefined && before === digest) return [write];
  return [before === undefined ? kept(path) : link(path, keptByHand(path, bytes)), write];
}

const link = (path: string, to: string) => command(['ln', path, to], { why: `keep ${path} as it is, as ${to}` });
const kept = (path: string) => link(path, keptBefore(path));

/** Over what lab wrote it goes at once; over an edit by hand only when somebody agreed, and the edit is kept. */
async function isOurs(
  host: Reader,
  wanted: string,
  write: ReturnType<typeof file>,
  { now, intact, bytes }: { now: string; intact: boolean; bytes: Uint8Array },
): Promise<readonly Change[]> {
  if (intact || unsealed(now) === unsealed(wanted)) return [write];
  const copy = keptByHand(write.path, bytes);
  const there = await host.stat(copy);
  return [...(there ? [] : [link(write.path, copy)]), { ...write, byHand: copy }];
}

/** A file of dom0 as a step. Text that depends on other steps is a function. */
export function ownFile(
  placed: Placed,
  owner: Owner,
  { text, ...rest }: Omit<OwnFile, 'text'> & { readonly text: string | ((look: Look) => Promise<string>) },
): Step {
  return {
    kind: 'step',
    ...placed,
    check: async (look) =>
      missingOwnFile(look, owner, { ...rest, text: typeof text === 'string' ? text : await text(look) }),
  };
}

/**
 * The changes that take a file of this lab away again: what was there before comes back, by a rename; else it is removed.
 * [] for a file that is not this lab's.
 */
export async function withoutOwnFile(host: Reader, lab: string, path: string): Promise<readonly Change[]> {
  const [bytes, before] = await Promise.all([host.readFile(path), host.stat(keptBefore(path))]);
  const mark = readMark(textOf(bytes) ?? '');
  if (mark?.lab !== lab) return [];
  const destroys = mark.intact ? path : `${path}, which was edited by hand`;
  return before
    ? [command(['mv', '-f', keptBefore(path), path], { destroys, why: `put back ${path} as it was before lab` })]
    : [command(['rm', '-f', path], { destroys })];
}
