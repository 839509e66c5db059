import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { BadInput } from '../model/errors.ts';
import { DOCUMENTS, labOf } from '../spec/judge.ts';
import type { Kept } from '../spec/kept.ts';
import type { Lab } from '../spec/lab.ts';
import type { Spec } from '../spec/schema.ts';
import { saveMemory } from './memory.ts';
import { recalled, remember } from './remembered.ts';

/** Far more than any lab needs; what is longer is something else. */
const mostBytes = 256 * 1024;

/** lab.yaml, read: the lab, given the guests that are on dom0. @throws BadInput */
export type ReadLab = (kept?: Kept) => Promise<Lab>;

/** The default name: without it the lab is the document's. */
export const labFile = 'lab.yaml';

/**
 * Reads lab.yaml. Without `--file` and without the default file, the document's lab.
 * @returns the lab, given the guests that are on dom0 (throws BadInput, as readLab)
 * @throws BadInput if it cannot be read
 */
export async function loadLab(path: string | undefined): Promise<ReadLab> {
  const written = readText(path ?? labFile, path === undefined);
  if (written !== undefined) await saveMemory(written);
  const [text, file] = written === undefined ? DOCUMENTS : [written, path ?? labFile];
  const values = recalled(text);
  const read = values === undefined ? await readAnew(text, file) : ofValues(values, text, file);
  let alone: Promise<Lab> | undefined;
  return (kept) => (kept === undefined ? (alone ??= read()) : read(kept));
}

async function readAnew(text: string, file: string): Promise<ReadLab> {
  const { labReader } = await import('../spec/read.ts');
  const { values, lab } = labReader(text, file);
  lab(); // it has to keep the rules, too
  remember(text, values);
  return async (kept) => lab(kept);
}

/** Only with the guests that are on dom0 can it still be bad: the text tells where. */
function ofValues(values: Spec, text: string, file: string): ReadLab {
  const bad = new BadInput([]);
  const lab = labOf(values, text, () => bad);
  return async (kept) => {
    try {
      return lab(kept);
    } catch (error) {
      if (error !== bad) throw error;
      return (await readAnew(text, file))(kept);
    }
  };
}

/** Regular files only: a FIFO would hang, a device never end. */
function readText(path: string, optional: boolean): string | undefined {
  const bad = (message: string) => new BadInput([{ place: { file: path }, message }]);
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(file);
      if (!stat.isFile())
        throw bad(`is ${stat.isDirectory() ? 'a directory' : 'not a regular file'}, expected a lab.yaml`);
      const most = `expected at most ${mostBytes} bytes`;
      if (stat.size > mostBytes) throw bad(`has ${stat.size} bytes, ${most}`);
      // Files of /proc have no size, and may have no end.
      const bytes = readAtMost(file, mostBytes + 1);
      if (bytes.length > mostBytes) throw bad(`has more than it says, ${most}`);
      return utf8(bytes, path);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof BadInput) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && optional) return undefined;
    throw bad(code === 'ENOENT' ? 'there is no such file' : `cannot be read: ${message}`);
  }
}

function readAtMost(file: number, most: number): Buffer {
  const buffer = Buffer.alloc(most);
  let length = 0;
  for (let read = 1; read > 0 && length < most; length += read) {
    read = readSync(file, buffer, length, most - length, null);
  }
  return buffer.subarray(0, length);
}

/** @throws BadInput with the place of the first byte that is none */
function utf8(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const text = bytes.toString('utf8');
    // Where decoding and encoding differ for the first time.
    const again = Buffer.from(text);
    const wrong = bytes.findIndex((byte, n) => byte !== again[n]);
    const before = bytes.subarray(0, wrong).toString('utf8').split('\n');
    const place = { file: path, line: before.length, column: (before.at(-1) ?? '').length + 1 };
    const found = `0x${(bytes[wrong] ?? 0).toString(16)}`;
    throw new BadInput([{ place, message: `found the byte ${found}, expected UTF-8 text` }]);
  }
}
