import { type CommandChange, command } from '../model/change.ts';
import type { Reader } from '../model/host.ts';

/**
 * The mark on a file that lab made: an extended attribute with the lab's name (xattr(7)). It is on the thing itself, so
 * `lab destroy` works from it alone; what is unmarked is never deleted.
 */
const attribute = 'user.cluster-lab';

export function mark(path: string, lab: string): CommandChange {
  return command(['setfattr', '-n', attribute, '-v', lab, path], { why: `mark ${path} as made by lab ${lab}` });
}

/** The lab whose mark is on a file; undefined for a file that is not there or carries none. */
export async function markOn(host: Reader, path: string): Promise<string | undefined> {
  const { code, stdout } = await host.read(['getfattr', '--only-values', '--absolute-names', '-n', attribute, path]);
  return code === 0 ? stdout : undefined;
}

/** The first line of a text file that lab writes. */
export function markLine(lab: string): string {
  return `# Written by lab for ${lab}; lab up writes it again, lab destroy removes it.`;
}
