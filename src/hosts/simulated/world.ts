import { readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostName } from '../../model/host.ts';
import { bootLayer } from './guests.ts';
import { Images, layoutMark } from './images.ts';
import { bootedMark } from './red-hat/release.ts';
import type { MachineState, Running, State } from './state.ts';
import { type Seen, Tree } from './tree.ts';
import { readTrouble, type Trouble } from './trouble.ts';

export interface SimulatedGuest {
  readonly name: HostName;
  readonly address: string;
  /** Its image on dom0, whose files are then DIR/NAME; default: /guests/NAME.img. */
  readonly disk?: string;
}

export interface SimulatedOptions {
  readonly directory: string;
  readonly guests: readonly SimulatedGuest[];
  /** What dom0's ssh uses for the guests. */
  readonly login: { readonly key: string; readonly knownHosts: string };
  /** How long a guest boots, in real milliseconds; the cluster's waits are parts of it. */
  readonly bootTime?: number;
}

/** A machine that is there: its files, and what its systemd knows. */
export interface Machine {
  readonly name: HostName;
  readonly tree: Tree;
  readonly state: MachineState;
  /** A guest's domain. */
  readonly running?: Running;
}

/**
 * The world as it is at one moment: read from the disk for each command, written back in one piece after it. So whoever is
 * killed leaves a world in which the command happened, or did not, or is half done in the way that the handler says.
 */
export class World {
  readonly options: SimulatedOptions;
  readonly directory: string;
  readonly state: State;
  readonly images: Images;
  readonly trouble: Trouble;
  /** Whoever only looks changes nothing, not even what time alone has changed: it is worked out anew by the next. */
  readonly changing: boolean;
  readonly #dom0: Tree;
  readonly #local: Tree;
  readonly #seen: Seen | undefined;
  #byName: ReadonlyMap<string, SimulatedGuest> | undefined;
  #byDisk: ReadonlyMap<string, SimulatedGuest> | undefined;
  /** What was worked out about an object of the state; none before the state is the one that is looked at. */
  #known: Map<unknown, Map<string, unknown>> | undefined;

  constructor(options: SimulatedOptions, changing: boolean) {
    this.options = options;
    this.changing = changing;
    this.directory = options.directory;
    this.state = JSON.parse(readFileSync(join(options.directory, 'state.json'), 'utf8'));
    this.trouble = readTrouble(options.directory);
    const clock = () => this.state.clock;
    this.#seen = changing ? undefined : new Map();
    const mounts = () =>
      this.state.loops.flatMap(({ image, at }) => {
        const root = at === undefined ? undefined : this.images.treeOf(image);
        return at !== undefined && root ? [{ at, root: () => root }] : [];
      });
    const nothing = () => false;
    this.#local = new Tree(join(options.directory, 'local'), clock, () => [], nothing, this.#seen);
    this.#dom0 = new Tree(join(options.directory, 'dom0'), clock, mounts, nothing, this.#seen);
    this.images = new Images(this, this.#dom0);
    this.#prune();
    if (changing) this.#sweep();
  }

  save(): void {
    if (this.changing) saveState(this.directory, this.state);
  }

  get dom0(): Machine {
    return { name: 'dom0', tree: this.#dom0, state: this.state.machines.dom0 };
  }

  get local(): Machine {
    return { name: 'local', tree: this.#local, state: this.state.machines.local };
  }

  /** A guest as a machine, if its disk has a file system. */
  guest(name: string, running: Running, disk: string | undefined): Machine | undefined {
    const root = disk === undefined ? undefined : this.images.treeOf(disk);
    return root === undefined ? undefined : { name, tree: this.#guestTree(root, running), state: running, running };
  }

  /** The file that RHEL's last init script makes is there when the boot is over, however early it was written here. */
  #guestTree(root: string, running: Running): Tree {
    const hides = (path: string) =>
      path === layoutMark || (path === bootedMark && bootLayer(this, running) !== 'booted');
    return new Tree(
      root,
      () => this.state.clock,
      () => (running.mounts ?? []).map(({ image, at }) => ({ at, root: () => this.images.homeOf(image) })),
      hides,
      this.#seen,
    );
  }

  /** What time alone has changed is worked out, or a part of it: what is worked out from now on is the same until the next part. */
  settled(): void {
    if (this.changing) return;
    this.#known = new Map();
    this.#seen?.clear();
  }

  /** Works something out about an object of the state, once if nothing can change. */
  once<T>(about: unknown, what: string, work: () => T): T {
    if (!this.#known) return work();
    const known = this.#known.get(about) ?? new Map<string, unknown>();
    this.#known.set(about, known);
    if (!known.has(what)) known.set(what, work());
    return known.get(what) as T;
  }

  /** The guests of the lab, by their names. */
  get guestsByName(): ReadonlyMap<string, SimulatedGuest> {
    this.#byName ??= new Map(this.options.guests.map((guest) => [guest.name, guest]));
    return this.#byName;
  }

  /** The guests of the lab, by their images. */
  get guestsByDisk(): ReadonlyMap<string, SimulatedGuest> {
    this.#byDisk ??= new Map(this.options.guests.map((guest) => [guest.disk ?? `/guests/${guest.name}.img`, guest]));
    return this.#byDisk;
  }

  nextPid(): number {
    this.state.lastPid += 7;
    return this.state.lastPid;
  }

  /** Real milliseconds since `since`, in parts of the time that a boot takes. */
  elapsed(since: number): number {
    return (Date.now() - since) / (this.options.bootTime ?? 400);
  }

  /** What was half written by a run that was killed. */
  #sweep(): void {
    for (const name of readdirSync(this.directory))
      if (litter.test(name)) rmSync(join(this.directory, name), { force: true });
  }

  /** A file that is gone has no attributes, and a rename that was under way has happened if its source is gone. */
  #prune(): void {
    const { intent, xattrs, gfs2 } = this.state;
    if (intent && !this.#dom0.has(intent.from)) this.images.renamed(intent);
    for (const path of Object.keys(xattrs)) if (!this.#dom0.has(path)) delete xattrs[path];
    for (const path of Object.keys(gfs2)) if (!this.#dom0.has(path)) delete gfs2[path];
  }
}

/** Names of half-written files. All that is written is written at once, so one that is there was given up. */
const litter = /\.\d+\.tmp$/;

export function saveState(directory: string, state: State): void {
  const path = join(directory, 'state.json');
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(state, null, 1)}\n`);
  renameSync(temporary, path);
}
