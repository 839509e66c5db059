import { type Change, command } from '../src/model/change.ts';
import type { Chapter, Node, Step } from '../src/model/step.ts';
import { type Former, type Lab, leavingOf } from '../src/spec/lab.ts';
import { dom0Paths } from '../src/spec/paths.ts';
import { stackOf } from '../src/stacks/index.ts';
import { givenBack, markOn } from '../src/steps/marks.ts';
import { withoutOwnFile } from '../src/steps/own-file.ts';
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
    const domain = toolstack.forget(lab, [...after, ...stopped], guest);
    const given = toolstack.restore?.(lab, guest, [domain]);
    return [domain, ...(given ? [given] : []), filesGone(lab, guest, given ? [domain, given] : [domain])];
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
      const [owner, before, text, ...keys] = await Promise.all([
        markOn(host, disk),
        markOn(host, disk, 'before'),
        withoutOwnFile(host, lab.name, domainFile),
        host.stat(key),
        host.stat(`${key}.pub`),
      ]);
      const journal = lab.storage ? '  (its journal in the GFS2 stays: a journal cannot be removed)' : '';
      const image = command(['rm', '-f', disk], { destroys: disk, why: `rm -f ${disk}${journal}` });
      return [
        ...(owner !== lab.name ? [] : before === undefined ? [image] : givenBack(disk, before)),
        ...(keys.some(Boolean) ? [command(['rm', '-f', key, `${key}.pub`])] : []),
        ...text,
      ];
    },
  };
}
