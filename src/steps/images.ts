import { type Change, command } from '../model/change.ts';
import { Refused } from '../model/errors.ts';
import type { Look, Step } from '../model/step.ts';
import type { Placed } from './file-content.ts';
import { mark, type Owner, owned, renamed, unfinished } from './marks.ts';

/** install(1) takes away what is there, then makes the file with this mode: what is filled in is private from its first byte. */
const emptyPrivate = (path: string) => command(['install', '-m', '0600', '/dev/null', path]);

/**
 * A sparse file of so many bytes: dd(1) as in the document, which writes zeros for minutes and takes the whole space; this
 * writes none, and only says how long the file is. `usable`: one that may be used although it is not this lab's.
 * @throws Foreign (from the check) for a file that lab did not make; Refused for one of another size: it may hold somebody's data
 */
export function sparseImage(
  placed: Placed,
  {
    path,
    bytes,
    owner,
    usable = async () => false,
  }: { path: string; bytes: number; owner: Owner; usable?: (look: Look) => Promise<boolean> },
): Step {
  const fresh = unfinished(path, owner.name);
  return {
    kind: 'step',
    ...placed,
    async check(look): Promise<readonly Change[]> {
      const { host } = look;
      const [image, asItIs] = await Promise.all([host.stat(path), usable(look)]);
      if (asItIs) return [];
      const adopted = image ? await owned(host, path, owner) : [];
      if (image && image.kind === 'file' && image.size === bytes) return adopted;
      if (image) {
        const what =
          image.kind === 'file' ? `has ${image.size} bytes, not the ${bytes}` : `is a ${image.kind}, not the file`;
        throw new Refused(`${path} ${what} that lab.yaml says`, `change its size in lab.yaml, or move ${path} away`);
      }
      return [
        emptyPrivate(fresh),
        command(['dd', 'if=/dev/null', `of=${fresh}`, 'bs=1', 'count=0', `seek=${bytes}`]),
        mark(fresh, owner.name),
        renamed(fresh, path),
      ];
    },
  };
}

/**
 * A guest's disk, cloned from the default image: by reflink where the file system can (free), else a sparse copy. It gets its
 * name when it is whole, and is root's alone, as the keys are that come into it. A copy left by a run that was killed may still
 * be written to: so a new file is started. `copy`: what this dom0's cp(1) is told.
 */
export function clonedDisk(
  placed: Placed,
  { from, to, owner, copy }: { from: string; to: string; owner: Owner; copy: readonly string[] },
): Step {
  const fresh = unfinished(to, owner.name);
  return {
    kind: 'step',
    ...placed,
    async check({ host }): Promise<readonly Change[]> {
      const [clone, source] = await Promise.all([host.stat(to), host.stat(from)]);
      const adopted = clone ? await owned(host, to, owner) : [];
      if (clone?.kind === 'file') return adopted;
      if (clone) throw new Refused(`${to} is a ${clone.kind}, not a file`, `move it away`);
      return [
        emptyPrivate(fresh),
        command(['cp', ...copy, from, fresh], {
          timeout: 1_800_000,
          ...(source ? { grows: { path: fresh, bytes: source.allocated } } : {}),
        }),
        mark(fresh, owner.name),
        renamed(fresh, to),
      ];
    },
  };
}
