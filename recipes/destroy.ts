import { fencingHostOf } from '../src/fencing/index.ts';
import { type Change, command } from '../src/model/change.ts';
import { NotYet, Unreachable } from '../src/model/errors.ts';
import type { Reader } from '../src/model/host.ts';
import type { Chapter, Look, Node, Step } from '../src/model/step.ts';
import { type Lab, leavingOf } from '../src/spec/lab.ts';
import { dom0Paths } from '../src/spec/paths.ts';
import { stackOf } from '../src/stacks/index.ts';
import { textOf } from '../src/steps/file-content.ts';
import { directoryOf, givenBack, marksOn, unfinished } from '../src/steps/marks.ts';
import { isCopy, withoutOwnFile } from '../src/steps/own-file.ts';
import { toolstackOf } from '../src/toolstacks/index.ts';
import { byOurInstaller, defaultDomainFile } from './3-the-default-image.ts';

/** Where domain files are, on any dom0. */
const domainFiles = '/etc/xen';

/**
 * Removes what carries this lab's mark, and nothing else. The cluster software is stopped first, so that nobody is fenced for
 * going; what was there before lab came is put back; the lab's own directory, which says where to look, goes last.
 */
export function destroy(lab: Lab): Chapter {
  const toolstack = toolstackOf(lab);
  const all = [...lab.guests, ...leavingOf(lab)];
  const cluster = stackOf(lab).stop({ guests: all }, toolstack).map(asFarAsItAnswers);
  const installer = toolstack.abandon(lab, cluster);
  const domains = toolstack.forget(lab, [...cluster, installer]);
  const service = removed('fencing-host', 'Stop and forget the fencing host', [domains], (look) =>
    fencingHostOf(lab).forget(look, lab),
  );
  const mounts = removed('mounts', 'Unmount its disks', [domains], (look) => mounted(look, lab));
  const files = removed('files', 'Remove its disks, domain files and keys', [domains, service, mounts], (look) =>
    markedFiles(look, lab),
  );
  const adopted = all.flatMap((guest) => toolstack.restore?.(lab, guest, [domains]) ?? []);
  const bridge = removed('bridge', `Leave ${lab.network.bridge} as it was`, [domains], (look) => asItWas(look, lab));
  const directories = removed('directories', 'Remove directories that lab made and nobody uses', [files], (look) =>
    unusedDirectories(look, lab),
  );
  const state = removed('state', 'Remove its own directory', [...adopted, bridge, directories], (look) =>
    ownDirectory(look, lab),
  );
  return {
    id: 'destroy',
    title: 'Destroy the lab',
    nodes: [...cluster, installer, domains, service, mounts, files, ...adopted, bridge, directories, state],
  };
}

function removed(name: string, title: string, after: readonly Node[], check: Step['check']): Step {
  return { kind: 'step', id: `destroy.${name}`, title, section: '', on: 'dom0', after, check };
}

/** A guest that does not answer has no cluster software that could be stopped: it loses its power with the others. */
function asFarAsItAnswers(step: Step): Step {
  return {
    ...step,
    async check(look) {
      try {
        return await step.check(look);
      } catch (error) {
        if (error instanceof Unreachable || error instanceof NotYet) return [];
        throw error;
      }
    },
  };
}

/** Disks that a run which was killed left mounted. */
async function mounted({ host }: Look, lab: Lab): Promise<readonly Change[]> {
  const below = `${dom0Paths(lab).mounts}/`;
  const lines = textOf(await host.readFile('/proc/mounts'))?.split('\n') ?? [];
  const points = lines.map((line) => line.split(' ')[1] ?? '').filter((point) => point.startsWith(below));
  return points.map((point) => command(['umount', point]));
}

/** Files of this lab, found by the marks on them: in the images' directory, among the domain files, and the fencing key. */
async function markedFiles({ host }: Look, lab: Lab): Promise<readonly Change[]> {
  const texts = await ownDomainFiles(host, lab.name);
  const near = await Promise.all(
    [directoryOf(lab.image.path), directoryOf(lab.fencing.key)].map((path) => within(host, path)),
  );
  const paths = [...new Set(near.flat())];
  const [owners, adopted] = await Promise.all([marksOn(host, paths), marksOn(host, paths, 'before')]);
  const marked = paths.filter((path) => owners.get(path) === lab.name && !isUnfinished(path, lab));
  const bytes = marked.map((path) => {
    const before = adopted.get(path);
    return before === undefined ? [command(['rm', '-f', path], { destroys: path })] : givenBack(path, before);
  });
  const installers = textOf(await host.readFile(defaultDomainFile));
  return [
    ...(installers !== undefined && owners.get(lab.image.path) === lab.name && byOurInstaller(installers, lab)
      ? [command(['rm', '-f', defaultDomainFile], { destroys: defaultDomainFile })]
      : []),
    ...paths.filter((path) => isUnfinished(path, lab)).map((path) => command(['rm', '-rf', '--one-file-system', path])),
    ...bytes.flat(),
    ...texts,
  ];
}

/** Its name is the mark of what was not finished. */
function isUnfinished(path: string, { name }: Lab): boolean {
  return new RegExp(`\\.${name}-(new|work)(\\.[a-z0-9]+)?$`).test(path);
}

async function within(host: Reader, directory: string): Promise<readonly string[]> {
  return ((await host.list(directory)) ?? []).map((name) => `${directory === '/' ? '' : directory}/${name}`);
}

/** Domain files with this lab's mark, also those of guests that lab.yaml no longer has. Copies of edits by hand stay. */
async function ownDomainFiles(host: Reader, lab: string): Promise<readonly Change[]> {
  const paths = (await within(host, domainFiles)).filter((path) => !isCopy(path));
  const stats = await Promise.all(paths.map((path) => host.stat(path)));
  const files = paths.filter((_, n) => stats[n]?.kind === 'file' && stats[n].size < 65_536);
  return (await Promise.all(files.map((path) => withoutOwnFile(host, lab, path)))).flat();
}

/** What lab asked of the bridge ends with the last lab on it. */
async function asItWas({ host }: Look, lab: Lab): Promise<readonly Change[]> {
  const { querier, state } = dom0Paths(lab);
  const { bridge } = lab.network;
  const [note, labs = []] = await Promise.all([host.stat(querier(bridge)), host.list(directoryOf(state))]);
  if (!note || labs.some((name) => name !== lab.name)) return [];
  return [
    command(['ip', 'link', 'set', 'dev', bridge, 'type', 'bridge', 'mcast_querier', '0']),
    command(['rm', '-f', querier(bridge)]),
  ];
}

/** Deepest first. One that is still used stays, and goes with the last lab in it. */
async function unusedDirectories({ host }: Look, lab: Lab): Promise<readonly Change[]> {
  const made = [lab.image.path, lab.fencing.key, ...fencingHostOf(lab).files(lab)].map(directoryOf);
  const above = (path: string): readonly string[] => (path === '/' ? [] : [path, ...above(directoryOf(path))]);
  const paths = [...new Set(made.flatMap(above))].sort((a, b) => b.length - a.length);
  const left = paths.map((path) => unfinished(path, lab.name));
  const [marks, names, stats] = await Promise.all([
    marksOn(host, paths, 'directory'),
    Promise.all(paths.map((path) => host.list(path))),
    Promise.all(left.map((path) => host.stat(path))),
  ]);
  const gone = new Set<string>();
  for (const [n, path] of paths.entries())
    if (marks.has(path) && names[n]?.every((name) => gone.has(`${path}/${name}`))) gone.add(path);
  return [...left.filter((_, n) => stats[n]), ...gone].map((path) => command(['rmdir', path]));
}

/** Keys, and lab.yaml: this directory bears the lab's name, and all in it is the lab's. */
async function ownDirectory({ host }: Look, lab: Lab): Promise<readonly Change[]> {
  const { state, mounts } = dom0Paths(lab);
  const parent = directoryOf(state);
  const [labs = [], points] = await Promise.all([host.list(parent), host.stat(mounts)]);
  const path = labs.length === 1 ? parent : state;
  return [
    ...(points ? [command(['rm', '-rf', '--one-file-system', mounts])] : []),
    ...(labs.includes(lab.name) ? [command(['rm', '-rf', '--one-file-system', path], { destroys: state })] : []),
  ];
}
