import { fencingHostOf } from '../src/fencing/index.ts';
import { type Change, command } from '../src/model/change.ts';
import type { Chapter, Look, Node, Step } from '../src/model/step.ts';
import { type Lab, leavingOf } from '../src/spec/lab.ts';
import { dom0Paths } from '../src/spec/paths.ts';
import { ownerOf } from '../src/steps/domain-file.ts';
import { textOf } from '../src/steps/file-content.ts';
import { markOn } from '../src/steps/marks.ts';
import { toolstackOf } from '../src/toolstacks/index.ts';
import { defaultDomainFile } from './3-the-default-image.ts';

/** Removes what carries this lab's mark, and nothing else: domains, disks, domain files, keys, fence_virtd's configuration. */
export function destroy(lab: Lab): Chapter {
  const toolstack = toolstackOf(lab);
  const domains = [...lab.guests, ...leavingOf(lab)].map((guest) => toolstack.forget(lab, guest, []));
  const files = removed('files', 'Remove its disks, domain files and keys', domains, (look) => markedFiles(look, lab));
  const service = removed('fencing-host', 'Stop and forget the fencing host', [files], (look) =>
    fencingHostOf(lab).forget(look, lab),
  );
  const state = removed('state', 'Remove its keys for the guests', [files], async ({ host }) => {
    const { state } = dom0Paths(lab);
    const parent = state.slice(0, state.lastIndexOf('/'));
    const labs = (await host.list(parent)) ?? [];
    if (!labs.includes(lab.name)) return [];
    const path = labs.length === 1 ? parent : state;
    return [command(['rm', '-rf', '--one-file-system', path], { destroys: state })];
  });
  return { id: 'destroy', title: 'Destroy the lab', nodes: [...domains, files, service, state] };
}

function removed(name: string, title: string, after: readonly Node[], check: Step['check']): Step {
  return { kind: 'step', id: `destroy.${name}`, title, section: '', on: 'dom0', after, check };
}

/** The files of this lab, found by the marks on them: in the images' directory, among the domain files, and the fencing key. */
async function markedFiles({ host }: Look, lab: Lab): Promise<readonly Change[]> {
  const directory = lab.image.path.slice(0, lab.image.path.lastIndexOf('/')) || '/';
  const names = (await host.list(directory)) ?? [];
  const candidates = [...names.map((name) => `${directory}/${name}`), lab.fencing.key, `${lab.fencing.key}.new`];
  const marks = await Promise.all(candidates.map((path) => markOn(host, path)));
  const domainFiles = [...[...lab.guests, ...leavingOf(lab)].map(({ domainFile }) => domainFile), defaultDomainFile];
  const texts = await Promise.all(domainFiles.map((path) => host.readFile(path)));
  const own = [
    ...candidates.filter((_, n) => marks[n] === lab.name),
    ...domainFiles.filter((_, n) => ownerOf(textOf(texts[n]) ?? '') === lab.name),
  ];
  return own.map((path) => command(['rm', '-f', path], { destroys: path }));
}
