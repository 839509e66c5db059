import { NotYet, Unreachable } from '../model/errors.ts';
import type { Argv, HostName, Hosts, Lock, Reader } from '../model/host.ts';
import { type Channel, localChannel } from './channel.ts';
import { GuestLooks } from './guest-looks.ts';
import { Relay } from './relay.ts';
import { ShellHost } from './shell-host.ts';
import { type Login, openKept, openSsh, routeTo, throughDom0 } from './ssh.ts';

/** How the hosts of a lab are reached. */
export interface Routes {
  /** `local`: this machine is the dom0; a function: where ssh goes, asked anew after each `forget`. @throws NotYet */
  readonly dom0: 'local' | ((local: Reader) => Promise<Login>);
  /** The socket of a connection to dom0 that is kept for the next command; without it each command makes its own. */
  readonly kept?: string | undefined;
  /** A directory of dom0's for the sockets of connections to guests that are kept alike: guests are looked at through a relay then. */
  readonly keptGuests?: string | undefined;
  /** The guests, as seen from dom0, by their names. */
  readonly guests: ReadonlyMap<HostName, Login>;
}

/** Real machines: this one, a dom0, and guests through dom0. */
export class LabHosts implements Hosts {
  readonly #routes: Routes;
  readonly #hosts = new Map<HostName, ShellHost>();
  #relay: Relay | undefined;
  #lock: Promise<Lock> | undefined;
  #closed = false;

  constructor(routes: Routes) {
    this.#routes = routes;
  }

  host(name: HostName): ShellHost {
    let host = this.#hosts.get(name);
    if (!host) {
      host = new ShellHost(name, () => this.#open(name));
      this.#hosts.set(name, host);
    }
    return host;
  }

  warm(name: HostName): void {
    this.host(name).warm();
  }

  async arrives(name: HostName): Promise<boolean> {
    return this.#routes.guests.has(name) && this.host(name).arrives();
  }

  async #open(name: HostName): Promise<Channel> {
    // A look may be under way to another host that did not answer: what it would open now, nobody would close.
    if (this.#closed) throw new Unreachable(name, 'broken off');
    const { dom0, kept, keptGuests, guests } = this.#routes;
    if (name === 'local' || (name === 'dom0' && dom0 === 'local')) return localChannel;
    if (name === 'dom0' && dom0 !== 'local') {
      const login = await dom0(this.host('local'));
      return kept === undefined ? openSsh(login, name) : openKept(login, name, kept);
    }
    const guest = guests.get(name);
    if (!guest) throw new NotYet(name);
    const through = await this.host('dom0').channel();
    const direct = throughDom0(through, guest, name);
    if (keptGuests === undefined) return direct;
    const looks = () => new GuestLooks(() => this.#relayOnDom0(keptGuests), routeTo(name, guest));
    return { ...direct, looks, arriving: looks };
  }

  /** The shell through which dom0 is looked at carries the looks at guests. */
  async #relayOnDom0(directory: string): Promise<Relay> {
    const { session } = await this.host('dom0').shell();
    if (this.#relay?.session !== session) this.#relay = new Relay(session, directory);
    return this.#relay;
  }

  async forget(name: HostName): Promise<void> {
    await this.#hosts.get(name)?.close();
  }

  async lock(name: HostName, path: string, who: string, onWait: (says: string) => void): Promise<Lock> {
    this.#lock = this.host(name).lock({ path, who, onWait });
    return this.#lock;
  }

  kill(): void {
    this.#relay?.giveUp();
    for (const host of this.#hosts.values()) host.kill();
  }

  async argv(name: HostName, argv: Argv, tty: boolean): Promise<Argv> {
    return (await this.host(name).channel()).wrap(argv, tty);
  }

  roundTrips(): Readonly<Record<HostName, number>> {
    return Object.fromEntries([...this.#hosts].map(([name, { roundTrips }]) => [name, roundTrips]));
  }

  /** For good: those who still look are told that it is broken off. */
  async close(): Promise<void> {
    this.#closed = true;
    // Guests first: their shells run over dom0's connection.
    const hosts = [...this.#hosts.values()].sort((a, b) => Number(a.name === 'dom0') - Number(b.name === 'dom0'));
    await (await this.#lock?.catch(() => undefined))?.release();
    for (const host of hosts) await host.close();
  }
}
