import { BadInput, CommandFailed, GivenUp, Unreachable } from '../model/errors.ts';
import type { Argv, FileReader, Host, HostName, Hosts, Ran, RunOptions } from '../model/host.ts';
import { countedOf, type Fault } from './fault.ts';

/** Programs that write bytes to a disk: what fails when it is full. */
const writers = /^(cp|curl|dd|dpkg|apt-get|install|ln|mke2fs|mkdir|mkfs\.\w+|mmdebstrap|ssh-keygen|write|yum)$/;

const noSpace = 'No space left on device';

/**
 * Hosts on which one command, or one look, goes wrong as a `Fault` says (docs/faults.md). What is not named in it passes
 * through. The order of commands is the same each time, because a run with a fault does one thing at a time.
 * @throws BadInput for a reboot of a dom0 that is not simulated
 */
export function faulty(hosts: Hosts, fault: Fault): Hosts {
  if (fault.how === 'reboot' && !hosts.reboot)
    throw new BadInput([{ place: { file: 'LAB_FAULT' }, message: 'reboot is there with --host simulated:DIR only' }]);
  const strike = new Strike(fault, () => hosts.reboot?.());
  const wrapped = new Map<HostName, Host>();
  return {
    host(name) {
      const host = wrapped.get(name) ?? faultyHost(hosts.host(name), strike);
      wrapped.set(name, host);
      return host;
    },
    warm: (name) => hosts.warm(name),
    ...(hosts.arrives && { arrives: hosts.arrives.bind(hosts) }),
    forget: (name) => hosts.forget(name),
    lock: (name, path, who, onWait) => hosts.lock(name, path, who, onWait),
    kill: () => hosts.kill(),
    argv: (name, argv, tty) => hosts.argv(name, argv, tty),
    roundTrips: () => hosts.roundTrips(),
    close: () => hosts.close(),
  };
}

/** Counts commands and looks, and says which one is struck. */
class Strike {
  readonly #fault: Fault;
  readonly reboot: () => void;
  #commands = 0;
  #looks = 0;
  /** What was struck: with `always`, each time that it comes again. */
  #struck: string | undefined;
  /** The disk stays full, the connection stays broken for one look. */
  #broken = false;

  constructor(fault: Fault, reboot: () => void) {
    this.#fault = fault;
    this.reboot = reboot;
  }

  command(key: string, program: string): Fault['how'] | undefined {
    const { how, at } = this.#fault;
    if (how === 'full') {
      if (!writers.test(program)) return undefined;
      return ++this.#commands >= at ? how : undefined;
    }
    return this.#hit(++this.#commands === at && countedOf(this.#fault) === 'command', key);
  }

  look(key: string): Fault['how'] | undefined {
    if (this.#broken) {
      this.#broken = false;
      return 'look-drop';
    }
    return this.#hit(++this.#looks === this.#fault.at && countedOf(this.#fault) === 'look', key);
  }

  /** The shell that looks goes over the same connection. */
  cut(): void {
    this.#broken = true;
  }

  #hit(now: boolean, key: string): Fault['how'] | undefined {
    const { how } = this.#fault;
    if (now) this.#struck = key;
    return now || (how.endsWith('-always') && this.#struck === key) ? how : undefined;
  }
}

function faultyHost(host: Host, strike: Strike): Host {
  const { name } = host;
  const looked = async <T>(what: readonly string[], look: () => Promise<T>, killed: (seen: T) => T): Promise<T> => {
    const how = strike.look(JSON.stringify([name, ...what]));
    if (how === undefined) return look();
    if (how === 'look-drop') throw new Unreachable(name, 'LAB_FAULT: the connection was lost');
    return killed(await look());
  };
  const dead = (): never => {
    throw new Unreachable(name, 'LAB_FAULT: the look was killed');
  };
  const files = (what: readonly string[], reader: FileReader): FileReader => ({
    readFile: (path) => looked(['file', ...what, path], () => reader.readFile(path), dead),
    stat: (path) => looked(['stat', ...what, path], () => reader.stat(path), dead),
    digest: (path) => looked(['digest', ...what, path], () => reader.digest(path), dead),
  });
  return {
    name,
    ...files([], host),
    list: (path) => looked(['list', path], () => host.list(path), dead),
    disk: (image) => files(['disk', image], host.disk(image)),
    // What was printed before it died is there: half a list must not be taken for a whole one.
    read: (argv) => looked(['read', ...argv], () => host.read(argv), killedMidway),
    async run(argv, options = {}) {
      const how = strike.command(JSON.stringify([name, ...argv]), programOf(argv));
      if (how === undefined) return host.run(argv, options);
      return struck(host, strike, how, argv, options);
    },
    async writeFile(path, bytes, mode, midway) {
      const how = strike.command(JSON.stringify([name, 'write', path]), 'write');
      if (how === undefined) return host.writeFile(path, bytes, mode, midway);
      const failed = await struck(host, strike, how, ['write', path], {
        instead: async () => {
          await host.writeFile(path, bytes, mode, midway);
          return { argv: ['write', path], code: 0, stdout: '', stderr: '' };
        },
      });
      throw new CommandFailed({ host: name, ...failed });
    },
  };
}

function killedMidway(ran: Ran): Ran {
  return { ...ran, code: 139, stdout: ran.stdout.slice(0, ran.stdout.length / 2), stderr: 'LAB_FAULT: killed' };
}

async function struck(
  host: Host,
  strike: Strike,
  how: Fault['how'],
  argv: Argv,
  options: RunOptions & { instead?: () => Promise<Ran> },
): Promise<Ran> {
  const ended = (code: number, stderr: string): Ran => ({ argv, code, stdout: '', stderr: `LAB_FAULT: ${stderr}` });
  const really = options.instead ?? (() => host.run(argv, options));
  if (how === 'full') {
    // What was written before the disk was full stays; a file that gets its name last does not get it.
    const midway = () => {
      throw new GivenUp(noSpace);
    };
    if (!options.instead) await host.run(argv, { ...options, midway });
    return ended(1, noSpace);
  }
  if (how === 'crash') {
    await really();
    return ended(139, 'Segmentation fault, after the work was done');
  }
  if (how === 'drop' || how === 'reboot') {
    await really();
    strike.cut();
    if (how === 'reboot') strike.reboot();
    return ended(255, 'client_loop: send disconnect: Broken pipe');
  }
  return ended(1, 'refused');
}

/** `env NAME=VALUE… PROGRAM` and `flock -s FILE PROGRAM` are what they start. */
function programOf([program, ...args]: Argv): string {
  const name = program.split('/').at(-1) ?? program;
  if (name !== 'env') return name;
  return args.find((arg) => !arg.includes('=') && !arg.startsWith('-')) ?? name;
}
