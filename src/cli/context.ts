import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { v7 } from 'uuid';
import { Journal } from '../engine/journal.ts';
import { fencingHostOf } from '../fencing/index.ts';
import type { Login } from '../hosts/ssh.ts';
import { BadInput, NotYet, Unreachable } from '../model/errors.ts';
import type { HostName, Hosts, Lock, Reader } from '../model/host.ts';
import type { Chapter } from '../model/step.ts';
import { sandboxPaths } from '../sandbox/paths.ts';
import { sandboxLogin, sandboxSlowness } from '../sandbox/reach.ts';
import type { Kept } from '../spec/kept.ts';
import { type Guest, type Lab, leavingOf } from '../spec/lab.ts';
import { dom0Paths } from '../spec/paths.ts';
import { keptGuests } from '../steps/domain-file.ts';
import { systemOf } from '../systems/index.ts';
import { labFile, loadLab, type ReadLab } from './lab-file.ts';
import { opened } from './opened.ts';
import { keepsGuests, keptConnection, stateDirectory } from './state.ts';
import { readWhere, showWhere, type Where } from './where.ts';
import { warn } from './output.ts';

/** What a command works with: the lab, its hosts, what is to be done. */
export interface Context {
  readonly lab: Lab;
  readonly where: Where;
  readonly hosts: Hosts;
  readonly journal: Journal;
  /** The sandbox, if it is one, and the chapters of the document. */
  chapters(): Promise<readonly Chapter[]>;
  slowness(): Promise<number>;
  /** Pause between two looks at something awaited (ms). */
  readonly pause: number;
  /** Where the lock of the lab is. */
  readonly lock: { readonly host: string; readonly path: string };
  /**
   * Names this run to others that want the lab: once, however often it is asked for.
   * @throws Held
   */
  takeLock(): Promise<Lock>;
}

/** The options that tell which lab, and where. */
export interface WhichLab {
  readonly file?: string;
  readonly host?: string;
  /** `--adopt`: what lab did not make and takes over. */
  readonly adopt?: readonly string[];
}

/** How a context is opened. */
interface Opening {
  /** Its lock is taken before dom0 is looked at, and not after: that is one wait less. */
  readonly locked?: boolean;
  /** What is asked of dom0 together with which guests are on it. That is one wait less, too. */
  readonly asks?: (lab: Lab, hosts: Hosts) => void;
}

/** @throws BadInput */
export async function openContext(which: WhichLab, opening: Opening = {}): Promise<Context> {
  const read = await loadLab(which.file);
  const adopt = adoptable(await read(), which.adopt);
  return contextOf(async (kept) => ({ ...(await read(kept)), adopt }), which, opening);
}

/** `--adopt` takes a guest's name, or the path of something that the lab would make. @throws BadInput */
function adoptable(lab: Lab, names: readonly string[] = []): readonly string[] {
  const known = [
    ...lab.guests.flatMap(({ name, domainFile, disk }) => [name, domainFile, disk]),
    ...[lab.image.path, ...lab.disks.map(({ path }) => path), lab.fencing.key, ...fencingHostOf(lab).files(lab)],
  ];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names;
  throw new BadInput([
    { place: { file: '--adopt' }, message: `found "${unknown}", expected something of this lab: ${known.join(', ')}` },
  ]);
}

/** The lab as its file has it, and where; nothing is connected to. @throws BadInput */
export async function chosenLab(which: WhichLab): Promise<{ lab: Lab; where: Where }> {
  const lab = await (await loadLab(which.file))();
  return { lab, where: whereOf(lab, which) };
}

const whereOf = ({ host: said }: Lab, { file, host }: WhichLab) =>
  host === undefined ? readWhere(said, file ?? labFile) : readWhere(host, '--host');

/** A context for a lab, given the guests that are on dom0. @throws BadInput */
export async function contextOf(read: ReadLab, which: WhichLab, { locked, asks }: Opening = {}): Promise<Context> {
  const lab = await read();
  const where = whereOf(lab, which);
  if (where.is === 'sandbox' && lab.toolstack !== 'libvirt') {
    throw new BadInput([
      {
        place: { file: which.file ?? labFile },
        message: `found toolstack ${lab.toolstack} with host sandbox, expected libvirt: the sandbox is a Debian dom0 of today`,
        hint: 'an old dom0 is reached with --host ssh://root@HOST; a rehearsal needs none: --host simulated:DIR',
      },
    ]);
  }
  const { hosts, know } = await openHosts(lab, where);
  opened(hosts);
  hosts.warm('dom0');
  const locking = lockOf(lab, where, hosts);
  if (locked && where.is !== 'simulated') locking.takeLock().catch(() => {}); // whoever asks for it is told
  const kept = onDom0(hosts, lab);
  asks?.(lab, hosts);
  // While ssh connects there is nothing else to do: what comes next is loaded.
  if (where.is === 'ssh' || where.is === 'sandbox') {
    await setImmediate(); // it has begun
    await Promise.all([import('./chapters.ts'), import('./run.ts')]);
  }
  const decided = await read(await kept);
  know([...decided.guests, ...leavingOf(decided)]);
  return { ...contextAt(decided, where, hosts), ...locking };
}

/** The guests of the lab that are on dom0: none on one that is not there, or does not answer. */
async function onDom0(hosts: Hosts, { name }: Lab): Promise<Kept> {
  try {
    return await keptGuests(hosts.host('dom0'), name);
  } catch (error) {
    if (error instanceof NotYet || error instanceof Unreachable) return new Map();
    throw error;
  }
}

function lockOf(lab: Lab, where: Where, hosts: Hosts): Pick<Context, 'lock' | 'takeLock'> {
  const lock =
    // The sandbox is reached from this machine alone, and is not there yet at first: its lock is here.
    where.is === 'sandbox'
      ? { host: 'local', path: `${sandboxPaths(lab.name).state}.lock` }
      : { host: 'dom0', path: dom0Paths(lab).lock };
  const who = () => `${userInfo().username}@${hostname()}, pid ${process.pid}, since ${new Date().toISOString()}`;
  const onWait = (says: string) => warn(`lab: ${says}\n`);
  let taken: Promise<Lock> | undefined;
  return { lock, takeLock: () => (taken ??= hosts.lock(lock.host, lock.path, who(), onWait)) };
}

function contextAt(lab: Lab, where: Where, hosts: Hosts): Omit<Context, 'lock' | 'takeLock'> {
  const simulated = where.is === 'simulated' ? join(where.directory, 'journal.jsonl') : undefined;
  let chapters: readonly Chapter[] | undefined;
  return {
    lab,
    where,
    hosts,
    journal: new Journal(
      simulated ?? join(stateDirectory(lab.name), `${encodeURIComponent(showWhere(where))}.jsonl`),
      v7,
    ),
    // Loaded and made for those who use them: `lab status` does not.
    async chapters() {
      const { chaptersOf } = await import('./chapters.ts');
      return (chapters ??= chaptersOf(lab, where));
    },
    slowness: where.is === 'sandbox' ? sandboxSlowness(hosts) : async () => 1,
    // Simulated time goes on with each look.
    pause: where.is === 'simulated' ? 5 : 250,
  };
}

/** The dom0 that a simulated world begins with: of the day of the lab's toolstack. */
export function simulatedDom0({ toolstack, network, dom0Cluster }: Lab) {
  const old = toolstack === 'xm';
  const hostname = old && dom0Cluster !== 'none' ? dom0Cluster.node : undefined;
  return {
    bridge: network.bridge,
    address: `${network.dom0Address}/${network.prefix}`,
    ...(old ? { era: 'red-hat' as const } : {}),
    ...(hostname === undefined ? {} : { hostname }),
  };
}

type Known = Pick<Guest, 'name' | 'address' | 'disk'>;

/** The hosts of a lab. `know` tells its guests: which addresses they have is known when dom0 was looked at. */
async function openHosts(lab: Lab, where: Where): Promise<{ hosts: Hosts; know(guests: readonly Known[]): void }> {
  const paths = dom0Paths(lab);
  if (where.is === 'simulated') {
    const { SimulatedHosts, seedSimulated } = await import('../hosts/simulated/index.ts');
    await seedSimulated(where.directory, simulatedDom0(lab));
    const login = { key: paths.loginKey, knownHosts: paths.knownHosts };
    const guests: Known[] = [...lab.guests];
    const hosts = new SimulatedHosts({ directory: where.directory, guests, login });
    return { hosts, know: (known) => guests.splice(0, guests.length, ...known) };
  }
  const options = [
    ...['-i', paths.loginKey, '-o', 'IdentitiesOnly=yes', ...systemOf(lab).sshOptions],
    // Nothing is trusted because it answered first: the keys were written into the guests' disks by lab.
    ...[
      '-o',
      `UserKnownHostsFile=${paths.knownHosts}`,
      '-o',
      'GlobalKnownHostsFile=/dev/null',
      '-o',
      'StrictHostKeyChecking=yes',
    ],
  ];
  const { LabHosts } = await import('../hosts/lab-hosts.ts');
  const guests = new Map<HostName, Login>();
  const dom0 =
    where.is === 'local'
      ? 'local'
      : where.is === 'ssh'
        ? async () => where
        : (local: Reader) => sandboxLogin(local, lab.name);
  const kept = keptConnection(lab.name, where);
  const keptGuests = keepsGuests(lab, where) ? paths.guestSockets : undefined;
  return {
    hosts: new LabHosts({ dom0, kept, keptGuests, guests }),
    know(known) {
      for (const { name, address } of known) guests.set(name, { destination: `root@${address}`, options });
    },
  };
}
