import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { BadInput } from '../model/errors.ts';
import type { Kept } from '../spec/kept.ts';
import type { Lab } from '../spec/lab.ts';

/** Far more than any lab needs; what is longer is something else. */
const mostBytes = 256 * 1024;

/** The default name: without it the lab is the document's. */
export const labFile = 'lab.yaml';

/**
 * Reads lab.yaml. Without `--file` and without the default file, the document's lab.
 * @returns the lab, given the guests that are on dom0 (throws BadInput, as readLab)
 * @throws BadInput if it cannot be read
 */
export async function loadLab(path: string | undefined): Promise<(kept?: Kept) => Lab> {
  const { readLab, defaultLab } = await import('../spec/read.ts');
  const text = await readText(path ?? labFile, path === undefined);
  return (kept) => (text === undefined ? defaultLab(kept) : readLab(text, path ?? labFile, kept));
}

/** Regular files only: a FIFO would hang, a device never end. */
async function readText(path: string, optional: boolean): Promise<string | undefined> {
  const bad = (message: string) => new BadInput([{ place: { file: path }, message }]);
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (!stat.isFile())
        throw bad(`is ${stat.isDirectory() ? 'a directory' : 'not a regular file'}, expected a lab.yaml`);
      if (stat.size > mostBytes) throw bad(`has ${stat.size} bytes, expected at most ${mostBytes}`);
      return new TextDecoder('utf-8', { fatal: true }).decode(await file.readFile());
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof BadInput) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && optional) return undefined;
    throw bad(
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
          ? 'is not UTF-8 text'
          : `cannot be read: ${message}`,
    );
  }
}
