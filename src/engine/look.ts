import { createHash } from 'node:crypto';
import type { FileChange } from '../model/change.ts';
import { LabError, NotYet } from '../model/errors.ts';
import type { Argv, FileReader, Host, HostName, Hosts, Ran, Reader, Stat } from '../model/host.ts';
import { once } from '../model/once.ts';
import type { Look, Node, Step } from '../model/step.ts';

/** What an earlier step of the same plan will write: later steps see it as if it were there. Keys are `host:path`. */
export type Overlay = Map<string, FileChange>;

export interface Viewpoint {
  readonly hosts: Pick<Hosts, 'host'>;
  /** Resolves once the host can be looked at. @throws NotYet */
  readonly gate: (host: HostName, asker: Node) => Promise<void>;
  readonly overlay?: Overlay;
  /** Answers already got. A plan looks at each thing once: the world does not change under it by its own doing. */
  readonly seen?: Map<string, Promise<unknown>>;
}

/** What a node may look at, from a viewpoint. It holds readers only: nothing in it can write. */
export function lookFor(node: Node, viewpoint: Viewpoint): Look {
  const on = (name: HostName) => readerOf(name, node, viewpoint);
  return {
    host: on(node.on),
    on,
    async get<T>(step: Step<T>): Promise<T> {
      if (!step.value) throw new Error(`${step.id} has no value`);
      return step.value(lookFor(step, viewpoint));
    },
  };
}

/** A Reader and no more than that, also at run time: the Host behind it is in a closure. */
function readerOf(name: HostName, node: Node, { hosts, gate, overlay, seen }: Viewpoint): Reader {
  const look = async <T>(what: readonly string[], ask: (host: Reader) => Promise<T>): Promise<T> => {
    await gate(name, node);
    const key = `${name}\0${what.join('\0')}`;
    const known = seen?.get(key) as Promise<T> | undefined;
    const answer = known ?? ask(hosts.host(name));
    if (!known) seen?.set(key, answer);
    return answer;
  };
  const planned = (path: string) => overlay?.get(`${name}:${path}`);
  return {
    name,
    read: (argv) => look(['read', ...argv], (host) => answered(host, argv)),
    list: (path) => look(['list', path], (host) => host.list(path)),
    readFile: async (path) => planned(path)?.after ?? look(['file', path], (host) => host.readFile(path)),
    stat: async (path) => statOf(planned(path)) ?? look(['stat', path], (host) => host.stat(path)),
    digest: async (path) => digestOf(planned(path)) ?? look(['digest', path], (host) => host.digest(path)),
    disk: (image): FileReader => ({
      readFile: (path) => look(['disk file', image, path], (host) => host.disk(image).readFile(path)),
      stat: (path) => look(['disk stat', image, path], (host) => host.disk(image).stat(path)),
      digest: (path) => look(['disk digest', image, path], (host) => host.disk(image).digest(path)),
    }),
  };
}

/** A host for a change or a trial, whose looks are as whole as those of a check. */
export function wholeLooks(host: Host): Host {
  return {
    name: host.name,
    read: (argv) => answered(host, argv),
    list: (path) => host.list(path),
    readFile: (path) => host.readFile(path),
    stat: (path) => host.stat(path),
    digest: (path) => host.digest(path),
    disk: (image) => host.disk(image),
    run: (argv, options) => host.run(argv, options),
    writeFile: (path, bytes, mode, midway) => host.writeFile(path, bytes, mode, midway),
    ...(host.runAll && { runAll: host.runAll.bind(host) }),
  };
}

/**
 * What a command said that only looks. One that was killed has not said all: half a list must not be taken for a whole one.
 * @throws LabError if it is killed twice
 */
async function answered(host: Reader, argv: Argv): Promise<Ran> {
  for (let attempt = 1; ; attempt++) {
    const ran = await host.read(argv);
    // 128 and the signal's number (sh(1)); programs of their own accord end with less, or with 255.
    if (ran.code <= 128 || ran.code > 192) return ran;
    if (attempt === 2)
      throw new LabError(
        `on ${host.name}: \`${argv.join(' ')}\`, which only looks, was killed (exit code ${ran.code})`,
        'a signal killed it, twice; is the machine out of memory? dmesg',
      );
  }
}

function statOf(change: FileChange | undefined): Stat | undefined {
  if (!change) return undefined;
  return {
    kind: 'file',
    size: change.after.length,
    allocated: change.after.length,
    mode: change.mode,
    uid: 0,
    modified: Infinity,
  };
}

const digestOfBytes = once((bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex'));

function digestOf(change: FileChange | undefined): string | undefined {
  return change && digestOfBytes(change.after);
}

/** Which step makes a host be there. */
export function providersOf(nodes: readonly Node[]): ReadonlyMap<HostName, Step<unknown>> {
  const providers = new Map<HostName, Step<unknown>>();
  for (const node of nodes) if (node.kind === 'step' && node.provides) providers.set(node.provides, node);
  return providers;
}

/** Said for each look at a host that is not there: an error for each would be most of a plan's work. */
const notThere = once(({ id, provides }: Step<unknown>) => new NotYet(id, `${provides} is there after ${id}`));

/** @throws NotYet, naming what has to happen first */
export function notYet(provider: Step<unknown>): never {
  throw notThere(provider);
}
