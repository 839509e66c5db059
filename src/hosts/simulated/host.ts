import { CommandFailed, GivenUp, NotYet, Unreachable } from '../../model/errors.ts';
import type { Argv, FileReader, Host, Ran, RunOptions, Stat } from '../../model/host.ts';
import { assertOnlyLooks } from '../read-only.ts';
import { sha256 } from './bytes.ts';
import type { Result } from './call.ts';
import { procMounts } from './disks.ts';
import { settleMounts } from './gfs2.ts';
import { exclusively } from './exclusively.ts';
import { guestsOf } from './guests.ts';
import { runProgram } from './programs.ts';
import { reach } from './reach.ts';
import { startupFencing } from './red-hat/fence-domain.ts';
import { procFile } from './red-hat/processes.ts';
import { wakeXvmd } from './red-hat/xvmd.ts';
import { Tree } from './tree.ts';
import { refusedAsReadOnly } from './trouble.ts';
import { finishStarts } from './units.ts';
import { type Machine, type SimulatedOptions, World } from './world.ts';

/** How long a guest takes to stop when it is asked to, in parts of the boot time. */
const shutdownTime = 0.6;

/** A simulated machine, as ShellHost is a real one: looks are batched, changes go one by one. */
export class SimulatedHost implements Host {
  readonly name: string;
  /** Batches and commands so far. */
  roundTrips = 0;
  readonly #options: SimulatedOptions;
  #killed = false;
  readonly #glance: Glance;
  #asked: ((world: Promise<World>) => Promise<void>)[] = [];

  constructor(name: string, options: SimulatedOptions, glance: Glance) {
    this.name = name;
    this.#options = options;
    this.#glance = glance;
  }

  async read(argv: Argv): Promise<Ran> {
    assertOnlyLooks(argv);
    return this.#look((world) => {
      const {
        code,
        stdout = '',
        stderr = '',
      } = runProgram({ world, machine: this.#machine(world), input: Buffer.alloc(0), midway: () => {} }, argv);
      return { argv, code, stdout, stderr };
    });
  }

  readFile = async (path: string) => this.#look((world) => readFile(world, this.#machine(world), path));
  stat = async (path: string) => this.#look((world) => statOf(this.#machine(world).tree, path));
  digest = async (path: string) => this.#look((world) => digestOf(this.#machine(world).tree, path));
  list = async (path: string) => this.#look((world) => this.#machine(world).tree.list(path));

  /** What debugfs(8) would read: nothing in an image that is divided into partitions. */
  disk(image: string): FileReader {
    const inside = (world: World) => {
      this.#machine(world);
      const root = world.images.layoutOf(image) === 'whole' ? world.images.treeOf(image) : undefined;
      return root === undefined ? undefined : new Tree(root, () => world.state.clock);
    };
    return {
      readFile: (path) => this.#look((world) => inside(world)?.read(path)),
      stat: (path) => this.#look((world) => statOf(inside(world), path)),
      digest: (path) => this.#look((world) => digestOf(inside(world), path)),
    };
  }

  async run(argv: Argv, options: RunOptions = {}): Promise<Ran> {
    await this.#sent();
    const since = Date.now();
    const once = (now: RunOptions) => this.#alone(() => this.#runNow(argv, now, since));
    let ran = once(options);
    // It waits for what others do meanwhile. Who dies midway died the first time.
    for (const again = { ...options, midway: undefined }; ran === undefined; ran = once(again)) {
      if (this.#killed) return { argv, code: 143, stdout: '', stderr: '' };
      await new Promise((wake) => setTimeout(wake, (this.#options.bootTime ?? 400) / 20));
    }
    if (ran.stdout !== '') options.onOutput?.(ran.stdout);
    return ran;
  }

  /** Ends what waits for something. */
  kill(): void {
    this.#killed = true;
    setImmediate(() => {
      this.#killed = false;
    });
  }

  /** @returns undefined while the command waits for something */
  #runNow(argv: Argv, { input = '', timeout, midway }: RunOptions, since: number): Ran | undefined {
    const world = openWorld(this.#options, true);
    const machine = this.#reached(world);
    let struck = false;
    const strike = () => {
      const first = !struck;
      struck = true;
      if (first) midway?.();
    };
    let result: Result;
    try {
      result =
        'refused' in machine
          ? { code: 255, stderr: `${machine.refused}\n` }
          : runProgram({ world, machine, input: Buffer.from(input), midway: strike, since }, argv);
      strike();
    } catch (error) {
      // A fault in the middle of the work: what was done until then stays.
      if (!(error instanceof GivenUp)) throw error;
      result = { code: 1, stderr: `${error.message}\n` };
    }
    if (result.blocked) {
      world.save();
      return undefined;
    }
    const { code, stdout = '', stderr = '' } = late(result, timeout);
    const limit = timeout === undefined ? Number.POSITIVE_INFINITY : Math.ceil(timeout / 1000);
    world.state.clock += Math.max(1, Math.min(result.seconds ?? 0, limit));
    world.save();
    return { argv, code, stdout, stderr };
  }

  async writeFile(path: string, bytes: Uint8Array, mode: number, midway?: () => void): Promise<void> {
    await this.#sent();
    this.#alone(() => {
      const world = openWorld(this.#options, true);
      const machine = this.#reached(world);
      if ('refused' in machine)
        throw new CommandFailed({ host: this.name, argv: ['write', path], code: 255, stderr: machine.refused });
      const readOnly = this.name === 'dom0' && refusedAsReadOnly(world, ['write', path]);
      if (readOnly)
        throw new CommandFailed({ host: this.name, argv: ['write', path], code: 1, stderr: readOnly.stderr ?? '' });
      // A new file takes the name: what the old one carried goes with it.
      if (this.name === 'dom0') {
        world.images.clear(path);
        delete world.state.xattrs[path];
      }
      machine.tree.write(path, bytes, mode, midway);
      world.state.clock += 1;
      world.save();
    });
  }

  /** Changes the world. Who looks from now on sees it changed, also where others had begun to look before. */
  #alone<T>(work: () => T): T {
    try {
      return exclusively(this.#options.directory, work);
    } finally {
      this.#glance.forget();
    }
  }

  /** A command is a process of its own: what is asked in the same turn does not wait for it. */
  async #sent(): Promise<void> {
    this.roundTrips++;
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** All that is asked for in this turn of the event loop goes together, and sees one world. */
  #look<T>(look: (world: World) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#asked.push(async (world) => {
        try {
          resolve(look(await world));
        } catch (error) {
          reject(error);
        }
      });
      if (this.#asked.length === 1) setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    this.roundTrips++;
    const batch = this.#asked;
    this.#asked = [];
    const world = Promise.resolve().then(() => this.#glance.world());
    for (const ask of batch) ask(world);
  }

  /** @throws NotYet for a name that is no host of the lab */
  #reached(world: World): Machine | { readonly refused: string } {
    if (this.name === 'dom0') return world.dom0;
    if (this.name === 'local') return world.local;
    const guest = world.guestsByName.get(this.name);
    if (!guest) throw new NotYet(this.name);
    return reach(world, guest.address);
  }

  /** @throws Unreachable */
  #machine(world: World): Machine {
    const machine = this.#reached(world);
    if ('refused' in machine) throw new Unreachable(this.name, machine.refused);
    return machine;
  }
}

/** The world as it is now: what time alone has done since the last command is done first. */
function openWorld(options: SimulatedOptions, changing: boolean): World {
  const world = new World(options, changing);
  for (const [name, { stopping }] of Object.entries(world.state.running))
    if (stopping !== undefined && world.elapsed(stopping) > shutdownTime) delete world.state.running[name];
  for (const [name, { installs }] of Object.entries(world.state.running))
    if (installs && installs.until < Date.now()) delete world.state.running[name];
  if (changing) world.images.mend();
  finishStarts(world, [world.dom0, ...guestsOf(world)]);
  world.settled();
  settleMounts(world);
  world.settled();
  startupFencing(world);
  wakeXvmd(world, world.dom0);
  world.settled();
  return world;
}

/** The world for those who look at it in the same turn of the event loop, from whatever host: it is one moment. */
export class Glance {
  readonly #options: SimulatedOptions;
  #world: World | undefined;

  constructor(options: SimulatedOptions) {
    this.#options = options;
  }

  world(): World {
    this.#world ??= openWorld(this.#options, false);
    setImmediate(() => {
      this.#world = undefined;
    });
    return this.#world;
  }

  forget(): void {
    this.#world = undefined;
  }
}

/** Past its time-out a command is killed, and ends with 124. */
function late(result: Result, timeout: number | undefined): Result {
  return timeout !== undefined && (result.seconds ?? 0) * 1000 > timeout ? { code: 124 } : result;
}

function readFile(world: World, machine: Machine, path: string): Uint8Array | undefined {
  if (path === '/proc/mounts') return Buffer.from(procMounts(world, machine));
  return procFile(machine, path) ?? machine.tree.read(path);
}

function statOf(tree: Tree | undefined, path: string): Stat | undefined {
  const stat = tree?.stat(path);
  if (!stat) return undefined;
  const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'other';
  const modified = Math.round(stat.mtimeMs) / 1000;
  return { kind, size: stat.size, allocated: stat.blocks * 512, mode: stat.mode & 0o7777, uid: 0, modified };
}

function digestOf(tree: Tree | undefined, path: string): string | undefined {
  const bytes = tree?.read(path);
  return bytes && sha256(bytes);
}
