import { type Change, command } from '../model/change.ts';
import { Refused } from '../model/errors.ts';
import type { Step } from '../model/step.ts';
import type { Placed } from './file-content.ts';
import { mark } from './marks.ts';

/**
 * A sparse file of so many bytes (truncate(1)): the document writes zeros with dd, which takes minutes and the whole space.
 * @throws Refused (from the check) for an existing file of another size: it may hold somebody's data
 */
export function sparseImage(placed: Placed, { path, bytes, lab }: { path: string; bytes: number; lab: string }): Step {
  const fresh = `${path}.new`;
  const directory = path.slice(0, path.lastIndexOf('/')) || '/';
  return {
    kind: 'step',
    ...placed,
    async check({ host }): Promise<readonly Change[]> {
      const [image, parent] = await Promise.all([host.stat(path), host.stat(directory)]);
      if (image && image.kind === 'file' && image.size === bytes) return [];
      if (image) {
        const what =
          image.kind === 'file' ? `has ${image.size} bytes, not the ${bytes}` : `is a ${image.kind}, not the file`;
        throw new Refused(`${path} ${what} that lab.yaml says`, `change its size in lab.yaml, or move ${path} away`);
      }
      return [
        ...(parent ? [] : [command(['mkdir', '-p', directory])]),
        command(['rm', '-f', fresh]),
        command(['truncate', '-s', String(bytes), fresh]),
        mark(fresh, lab),
        command(['mv', '-n', fresh, path]),
      ];
    },
  };
}

/**
 * A guest's disk, cloned from the default image: by reflink where the file system can (free), else a sparse copy. It gets its
 * name when it is whole. A copy left by a run that was killed may still be written to: --remove-destination starts a new file.
 */
export function clonedDisk(placed: Placed, { from, to, lab }: { from: string; to: string; lab: string }): Step {
  const fresh = `${to}.new`;
  return {
    kind: 'step',
    ...placed,
    async check({ host }): Promise<readonly Change[]> {
      const [clone, source] = await Promise.all([host.stat(to), host.stat(from)]);
      if (clone?.kind === 'file') return [];
      if (clone) throw new Refused(`${to} is a ${clone.kind}, not a file`, `move it away`);
      return [
        command(['cp', '--reflink=auto', '--sparse=always', '--remove-destination', from, fresh], {
          timeout: 1_800_000,
          ...(source ? { grows: { path: fresh, bytes: source.allocated } } : {}),
        }),
        mark(fresh, lab),
        command(['mv', '-n', fresh, to]),
      ];
    },
  };
}
