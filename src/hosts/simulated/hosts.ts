import { LabError } from '../../model/errors.ts';
import type { Argv, HostName, Hosts, Lock } from '../../model/host.ts';
import { quote } from '../quote.ts';
import { Glance, SimulatedHost } from './host.ts';
import { rebootDom0 } from './power.ts';
import { type SimulatedOptions, World } from './world.ts';

/** Names of directories in a world that no guest can have. */
const taken = ['dom0', 'images', 'local'];

/** The hosts of a lab on a simulated dom0, which seedSimulated made. */
export class SimulatedHosts implements Hosts {
  readonly #options: SimulatedOptions;
  readonly #hosts = new Map<HostName, SimulatedHost>();
  readonly #glance: Glance;

  constructor(options: SimulatedOptions) {
    const clash = options.guests.find(({ name }) => taken.includes(name));
    if (clash) throw new LabError(`a simulated guest cannot be called ${clash.name}`, 'name it otherwise in lab.yaml');
    this.#options = options;
    this.#glance = new Glance(options);
  }

  host(name: HostName): SimulatedHost {
    let host = this.#hosts.get(name);
    if (!host) {
      host = new SimulatedHost(name, this.#options, this.#glance);
      this.#hosts.set(name, host);
    }
    return host;
  }

  warm(): void {}

  async forget(): Promise<void> {}

  /** The kernel lock that a real host has, on the file in its tree. Nothing outlives a simulated run. */
  async lock(name: HostName, path: string, who: string, onWait: (says: string) => void): Promise<Lock> {
    const world = new World(this.#options, false);
    const { WarmShell } = await import('../shell.ts');
    const { tree } = name === 'local' ? world.local : world.dom0;
    return new WarmShell(['sh'], name).lock({ path: tree.real(path), who, onWait });
  }

  kill(): void {
    for (const host of this.#hosts.values()) host.kill();
  }

  /** Fault injection: dom0 loses its power, and boots again. */
  reboot(): void {
    rebootDom0(this.#options);
  }

  /** There is no process to be started by hand: commands go through host(name).run(). */
  async argv(name: HostName, argv: Argv): Promise<Argv> {
    throw new LabError(
      `${name} is simulated: there is no terminal in it`,
      `give it a command instead: lab ssh ${name} -- ${argv.length > 0 ? quote(argv) : 'COMMAND'}`,
    );
  }

  roundTrips(): Readonly<Record<HostName, number>> {
    return Object.fromEntries([...this.#hosts].map(([name, { roundTrips }]) => [name, roundTrips]));
  }

  async close(): Promise<void> {}
}
