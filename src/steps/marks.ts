import { createHash } from 'node:crypto';
import { type CommandChange, command } from '../model/change.ts';
import type { Reader } from '../model/host.ts';
import type { GuestFile } from './guest-files.ts';

/**
 * The mark on a file that lab made: an extended attribute with the lab's name (xattr(7)). It is on the thing itself, so
 * `lab destroy` works from it alone; what is unmarked is never deleted.
 */
const attributes = {
  /** The lab that made it. */
  owner: 'user.cluster-lab',
  /** On a guest's image: what lab wrote into it. */
  inside: 'user.cluster-lab-inside',
};

export function mark(path: string, value: string, what: keyof typeof attributes = 'owner'): CommandChange {
  const why = what === 'owner' ? `mark ${path} as made by lab ${value}` : `seal ${path}`;
  return command(['setfattr', '-n', attributes[what], '-v', value, path], { why });
}

/** The mark on a file, by default the lab that made it; undefined for a file that is not there or carries none. */
export async function markOn(
  host: Reader,
  path: string,
  what: keyof typeof attributes = 'owner',
): Promise<string | undefined> {
  const named = ['-n', attributes[what], path] as const;
  const { code, stdout } = await host.read(['getfattr', '--only-values', '--absolute-names', ...named]);
  return code === 0 ? stdout : undefined;
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

/** The first line of a text file that lab writes. */
export function markLine(lab: string): string {
  return `# Written by lab for ${lab}; lab up writes it again, lab destroy removes it.`;
}
