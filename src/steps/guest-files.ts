import { createHash } from 'node:crypto';
import { type Change, command, type FileChange } from '../model/change.ts';
import type { FileReader, Reader } from '../model/host.ts';
import { once } from '../model/once.ts';

/** A file with this text. `live`: it may be written while the guest runs, over the text that is found. */
interface TextFile {
  readonly path: string;
  readonly mode: number;
  readonly text: string;
  readonly live?: (found: string) => boolean;
}

/** A file inside a guest, owned by root. One that is the same in all guests is one object: its bytes are made once. */
export type GuestFile =
  | TextFile
  /** A copy of a file of dom0, made there: for secrets. */
  | { readonly path: string; readonly mode: number; readonly from: string }
  /** Not there when the guest boots. `comesBack`: the guest then makes one of its own. */
  | { readonly path: string; readonly absent: true; readonly comesBack?: true };

/**
 * Compares the files inside a running guest.
 * @returns the paths that are not as they should be and can only be mended while the guest is off, and the changes for the rest
 */
export async function missingInGuest(
  guest: Reader,
  dom0: Reader,
  files: readonly GuestFile[],
): Promise<{ readonly wrong: readonly string[]; readonly changes: readonly Change[] }> {
  const lasting = files.filter((wanted) => !('comesBack' in wanted));
  const missing = await Promise.all(lasting.map((wanted) => missingIn(guest, dom0, '', wanted)));
  const isLive = (wanted: GuestFile, [change]: readonly Change[]) =>
    'live' in wanted &&
    change?.is === 'file' &&
    change.before !== undefined &&
    wanted.live?.(new TextDecoder().decode(change.before));
  const differing = lasting.flatMap((wanted, n) =>
    missing[n]?.length ? [{ wanted, changes: missing[n], live: isLive(wanted, missing[n]) }] : [],
  );
  return {
    wrong: differing.filter(({ live }) => !live).map(({ wanted }) => wanted.path),
    changes: differing.filter(({ live }) => live).flatMap(({ changes }) => changes),
  };
}

/** The files below a directory of a host: a mounted disk. */
export function under(host: Reader, root: string): FileReader {
  return {
    readFile: (path) => host.readFile(root + path),
    stat: (path) => host.stat(root + path),
    digest: (path) => host.digest(root + path),
  };
}

const remove = (path: string) => command(['rm', '-f', path]);

const copied = (from: string, to: string, mode: number) =>
  command(['install', '-D', '-o', 'root', '-g', 'root', '-m', `0${mode.toString(8)}`, from, to]);

const bytesOf = once(({ text }: TextFile) => new TextEncoder().encode(text));
const digestOf = once((wanted: TextFile) => createHash('sha256').update(bytesOf(wanted)).digest('hex'));

const written = (wanted: TextFile, path: string, before?: Uint8Array): FileChange => ({
  is: 'file',
  path,
  mode: wanted.mode,
  before,
  after: bytesOf(wanted),
});

/** The changes that write a file below `root`, if `disk` does not hold it so. */
export async function missingIn(
  disk: FileReader,
  dom0: Reader,
  root: string,
  wanted: GuestFile,
): Promise<readonly Change[]> {
  const path = root + wanted.path;
  if ('absent' in wanted) return (await disk.stat(wanted.path)) ? [remove(path)] : [];
  if ('from' in wanted) {
    const [stat, digest, source] = await Promise.all([
      disk.stat(wanted.path),
      disk.digest(wanted.path),
      dom0.digest(wanted.from),
    ]);
    const same = digest !== undefined && digest === source && stat?.mode === wanted.mode;
    return same ? [] : [copied(wanted.from, path, wanted.mode)];
  }
  const [stat, digest] = await Promise.all([disk.stat(wanted.path), disk.digest(wanted.path)]);
  const same = digest === digestOf(wanted) && stat?.mode === wanted.mode;
  // The bytes are only needed to show what changes.
  return same ? [] : [written(wanted, path, await disk.readFile(wanted.path))];
}

/** The changes that write all files below `root`, whatever is there. */
export function allInto(root: string, files: readonly GuestFile[]): readonly Change[] {
  return files.map((wanted) => {
    const path = root + wanted.path;
    if ('absent' in wanted) return remove(path);
    return 'from' in wanted ? copied(wanted.from, path, wanted.mode) : written(wanted, path);
  });
}
