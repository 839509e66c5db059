import { type Change, command } from '../src/model/change.ts';
import type { Chapter, Node, Step } from '../src/model/step.ts';
import { type Former, type Lab, leavingOf } from '../src/spec/lab.ts';
import { dom0Paths } from '../src/spec/paths.ts';
import { stackOf } from '../src/stacks/index.ts';
import { ownerOf } from '../src/steps/domain-file.ts';
import { textOf } from '../src/steps/file-content.ts';
import { markOn } from '../src/steps/marks.ts';
import { toolstackOf } from '../src/toolstacks/index.ts';

/**
 * Guests that lab.yaml no longer has: their cluster software is stopped first, so that nobody is fenced for leaving; then all
 * that carries this lab's mark goes. The others are told by the chapters after this one. A guest's domain file goes last: it says
 * that there is one to go.
 */
export function leaving(lab: Lab, after: readonly Node[]): Chapter {
  const toolstack = toolstackOf(lab);
  const gone = leavingOf(lab);
  const stopped = stackOf(lab).stop({ guests: gone }, toolstack, after);
  const nodes = gone.flatMap((guest) => {
    const domain = toolstack.forget(lab, guest, [...after, ...stopped]);
    return [domain, filesGone(lab, guest, [domain])];
  });
  return { id: 'leaving', title: 'Guests that are no longer in lab.yaml', nodes: [...stopped, ...nodes] };
}

function filesGone(lab: Lab, { name, disk, domainFile }: Former, after: readonly Node[]): Step {
  const key = dom0Paths(lab).hostKey({ name });
  return {
    kind: 'step',
    id: `leaving.files-${name}`,
    title: `Remove the disk, keys and domain file of ${name}`,
    section: '',
    on: 'dom0',
    after,
    async check({ host }): Promise<readonly Change[]> {
      const [owner, text, ...keys] = await Promise.all([
        markOn(host, disk),
        host.readFile(domainFile),
        host.stat(key),
        host.stat(`${key}.pub`),
      ]);
      const journal = lab.storage ? '  (its journal in the GFS2 stays: a journal cannot be removed)' : '';
      const image = command(['rm', '-f', disk], { destroys: disk, why: `rm -f ${disk}${journal}` });
      return [
        ...(owner === lab.name ? [image] : []),
        ...(keys.some(Boolean) ? [command(['rm', '-f', key, `${key}.pub`])] : []),
        ...(ownerOf(textOf(text) ?? '') === lab.name
          ? [command(['rm', '-f', domainFile], { destroys: domainFile })]
          : []),
      ];
    },
  };
}
