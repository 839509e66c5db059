import { createHash } from 'node:crypto';
import { type Change, type CommandChange, command } from '../model/change.ts';
import { Foreign } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Lab } from '../spec/lab.ts';
import { labsDirectory } from '../spec/paths.ts';
import type { GuestFile } from './guest-files.ts';

/**
 * The mark on a file that lab made: an extended attribute with the lab's name (xattr(7)). It is on the thing itself, so
 * `lab destroy` works from it alone; what is unmarked is never changed or deleted. Texts carry it as a comment (formats/seal.ts).
 */
const attributes = {
  /** The lab that it belongs to. */
  owner: 'user.cluster-lab',
  /** Adopted: the lab it belonged to before, or `nobody`. It is given back, not deleted. */
  before: 'user.cluster-lab-before',
  /** On a directory: some lab made it, and the last one to leave removes it. */
  directory: 'user.cluster-lab-directory',
  /** On a guest's image: what lab wrote into it. */
  inside: 'user.cluster-lab-inside',
};

/** Whose things are made, and which of others are taken over. */
export type Owner = Pick<Lab, 'name' | 'adopt'>;

type Attribute = keyof typeof attributes;

export function mark(path: string, value: string, what: Attribute = 'owner'): CommandChange {
  const why = {
    owner: `mark ${path} as lab ${value}'s`,
    before: `remember whose ${path} was: ${value}`,
    directory: `mark ${path} as made by lab`,
    inside: `seal ${path}`,
  };
  return command(['setfattr', '-n', attributes[what], '-v', value, path], { why: why[what] });
}

/** The mark on a file, by default the lab that made it; undefined for a file that is not there or carries none. */
export async function markOn(host: Reader, path: string, what: Attribute = 'owner'): Promise<string | undefined> {
  const named = ['-n', attributes[what], path] as const;
  const { code, stdout } = await host.read(['getfattr', '--only-values', '--absolute-names', ...named]);
  return code === 0 ? stdout : undefined;
}

/** The marks on many files, asked at once: path to value. Those that carry none are not in it. */
export async function marksOn(
  host: Reader,
  paths: readonly string[],
  what: Attribute = 'owner',
): Promise<ReadonlyMap<string, string>> {
  if (paths.length === 0) return new Map();
  // It tells of all that it can read, and ends with 1 if one has no such attribute (getfattr(1)).
  const { stdout } = await host.read(['getfattr', '--absolute-names', '-n', attributes[what], ...paths]);
  const blocks = stdout.matchAll(/^# file: (.*)\n[^=\n]+="(.*)"$/gm);
  return new Map([...blocks].map(([, path = '', value = '']) => [path, value]));
}

/**
 * Sees that a file which is there may be used: it is this lab's, or named with `--adopt`.
 * @returns the changes that adopt it: [] for one that is this lab's already
 * @throws Foreign
 */
export async function owned(host: Reader, path: string, { name, adopt = [] }: Owner): Promise<readonly Change[]> {
  const owner = await markOn(host, path);
  if (owner === name) return [];
  if (!adopt.includes(path)) throw foreign(path, owner, path);
  return [mark(path, owner ?? 'nobody', 'before'), mark(path, name)];
}

/** Something of others in the way, in words. @param adopt what `--adopt` would have to name */
export function foreign(what: string, owner: string | undefined, adopt: string): Foreign {
  const whose = owner === undefined ? 'lab did not make it' : `it belongs to the lab ${owner}`;
  return new Foreign(
    `${what} is there already, and ${whose}`,
    `move it away, name yours otherwise in lab.yaml, or take it over: lab up --adopt ${adopt}`,
  );
}

/** Gives an adopted file back to whom it belonged. */
export function givenBack(path: string, before: string): readonly Change[] {
  const forget = (what: Attribute, why: string) => command(['setfattr', '-x', attributes[what], path], { why });
  return [
    before === 'nobody'
      ? forget('owner', `give ${path} back: lab did not make it`)
      : command(['setfattr', '-n', attributes.owner, '-v', before, path], {
          why: `give ${path} back to lab ${before}`,
        }),
    forget('before', `forget that ${path} was adopted`),
  ];
}

/** The name under which a lab makes a file until it is whole: nobody else's, and a mark by itself. */
export function unfinished(path: string, lab: string): string {
  return `${path}.${lab}-new`;
}

/** A digest of all that is written into a guest's disk; a file of dom0 counts by its own digest. */
export async function sealOf(
  host: Reader,
  files: readonly GuestFile[],
  inside: readonly string[] = [],
): Promise<string> {
  const sources = await Promise.all(files.map((file) => ('from' in file ? host.digest(file.from) : undefined)));
  return createHash('sha256')
    .update(JSON.stringify([files, sources, inside]))
    .digest('hex');
}

/**
 * A file that is whole gets its name, and replaces nothing: mv(1) would ask, and nobody answers. `mv -n` says the same, and is
 * younger than the coreutils of xm's day.
 */
export function renamed(from: string, to: string): CommandChange {
  return command(['mv', '-i', from, to]);
}

/** An empty file whose being there says something: it has its name only once it has its mark. */
export function marker(path: string, lab: string): readonly Change[] {
  const fresh = unfinished(path, lab);
  return [command(['touch', fresh]), mark(fresh, lab), renamed(fresh, path)];
}

/**
 * Makes the directory of a file, and those above it that are not there, each marked as made by lab: it goes with the last lab
 * whose things are in it. A marked name, then a rename: no directory of ours is ever without its mark. The labs' own directory
 * (0.state) needs none: its name says it.
 */
export async function madeDirectory(host: Reader, directory: string, lab: string): Promise<readonly Change[]> {
  if (`${directory}/`.startsWith(`${labsDirectory}/`)) return [];
  const parts = directory.split('/').filter(Boolean);
  const above = parts.map((_, n) => `/${parts.slice(0, n + 1).join('/')}`);
  const found = await Promise.all(above.map((path) => host.stat(path)));
  return above
    .filter((_, n) => found[n] === undefined)
    .flatMap((path) => {
      const fresh = unfinished(path, lab);
      return [
        command(['mkdir', '-p', fresh]),
        mark(fresh, 'made', 'directory'),
        // Asks before it replaces one that another run made meanwhile, and nobody answers.
        command(['mv', '-i', '-T', fresh, path]),
      ];
    });
}

/** The directory of a path. */
export function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}
