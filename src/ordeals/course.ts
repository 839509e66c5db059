import { randomUUID } from 'node:crypto';
import { inTime, whenPortIsFree } from '../fencing/virtd-trial.ts';
import type { Host, Ran } from '../model/host.ts';
import { mustRun } from '../model/must-run.ts';
import type { Evidence } from '../model/step.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import { stackOf } from '../stacks/index.ts';
import { toolstackOf } from '../toolstacks/index.ts';
import { bootId, until } from './looks.ts';
import { isolate, type Ordeal, request, sayOrdeal, strike } from './ordeal.ts';

/** Longest wait for the cluster to act (ms): it goes by its own time-outs, which are made for slow machines. */
const limit = 900_000;

/** One ordeal from its beginning to its end: what was seen, and when. */
export class Course {
  readonly #lab: Lab;
  readonly #ordeal: Ordeal;
  readonly #host: (name: string) => Host;
  readonly #transcript: string[] = [];
  readonly #measured: Record<string, string | number> = {};
  #began = performance.now();
  /** Ids of the domains before, by guest. */
  readonly #domains = new Map<string, string>();
  /** Ids of the guests' boots before, by guest. */
  readonly boots = new Map<string, string>();
  /** A word that each guest wrote to the shared file system before: its file. */
  readonly #written = new Map<string, string>();
  readonly #word = randomUUID();
  /** When each guest first saw another one lost (ms since the beginning). */
  readonly #sawLost = new Map<string, number>();
  #over = false;

  constructor(lab: Lab, ordeal: Ordeal, host: (name: string) => Host) {
    this.#lab = lab;
    this.#ordeal = ordeal;
    this.#host = host;
  }

  #tell(says: string): void {
    this.#transcript.push(`${(this.#ms() / 1000).toFixed(1).padStart(6)} s  ${says}`);
  }

  #ms(): number {
    return Math.round(performance.now() - this.#began);
  }

  /** Notes when something was first seen (ms since the beginning), and says so. */
  #mark(name: string, says: string): void {
    this.#measured[name] ??= this.#ms();
    this.#tell(says);
  }

  failed(layer: string, says: string): Evidence {
    const hint = 'lab up brings the cluster whole again';
    return { passed: false, layer, says, hint, measured: this.#measured, transcript: this.#transcript };
  }

  #passed(says: string): Evidence {
    return { passed: true, says, measured: this.#measured, transcript: this.#transcript };
  }

  #view(guest: Guest) {
    return stackOf(this.#lab).clusterState(this.#host(guest.name));
  }

  /** The domain's id; '' while it is off. */
  async #domain(guest: Guest): Promise<string> {
    return (await toolstackOf(this.#lab).domainId(this.#host('dom0'), guest)) ?? '';
  }

  /** Guests that the survivor does not see in the cluster. */
  async absent(): Promise<readonly string[]> {
    const view = await this.#view(this.#ordeal.survivor);
    return this.#lab.guests.map(({ name }) => name).filter((name) => !view?.online.includes(name));
  }

  /** What is compared afterwards: domains, boots, and what each guest wrote. */
  async prepare(): Promise<void> {
    const { guests, storage } = this.#lab;
    for (const guest of guests) {
      this.#domains.set(guest.name, await this.#domain(guest));
      this.boots.set(guest.name, await bootId(this.#host(guest.name)));
      if (!storage) continue;
      const path = `${storage.directory}/.real-${guest.name}`;
      await this.#host(guest.name).writeFile(path, Buffer.from(this.#word), 0o600);
      // What was not on the disk yet may be lost with the power: a rename was, when this was tried without.
      await mustRun(this.#host(guest.name), ['sync']);
      this.#written.set(guest.name, path);
    }
    this.#began = performance.now();
    this.#tell(`domains before: ${[...this.#domains].map(([name, id]) => `${name} ${id}`).join(', ')}`);
  }

  /** Strikes, and follows what happens until the survivor works on. */
  async run(): Promise<Evidence> {
    const { way, victim, survivor } = this.#ordeal;
    this.#tell(sayOrdeal(this.#lab, this.#ordeal));
    if (way === 'reboot' || way === 'off') {
      const { argv, code, stderr, stdout } = await this.#ask(survivor, way);
      this.#mark('answeredMs', `${argv[0]} ended with ${code} ${(stderr || stdout).trim()}`.trimEnd());
      if (code !== 0) return this.failed('fencing', `${argv[0]} could not fence ${victim.name}`);
    } else {
      const refused = await strike(this.#lab, this.#ordeal, this.#host, [...this.#domains.values()]);
      if (refused)
        return this.failed(
          'beginning',
          `${refused.argv.join(' ')} ended with ${refused.code}: ${(refused.stderr || refused.stdout).trim()}`,
        );
      this.#tell(`waiting for the cluster to act, ${limit / 1000} s at most`);
    }
    // Not waited for: one that lost its power in the middle of an answer never ends it.
    for (const guest of this.#lab.guests) if (way === 'split' || guest !== victim) this.#watch(guest).catch(() => {});
    const loser = await this.#whoIsFenced();
    if (!loser) return this.failed('fencing', `nobody was fenced within ${limit / 1000} s`);
    if (way !== 'split' && loser.name !== victim.name)
      return this.failed('fencing', `${loser.name} was fenced, and not ${victim.name}`);
    this.#measured.fenced = loser.name;
    const winner = this.#lab.guests.find(({ name }) => name !== loser.name) ?? survivor;
    return (
      (await this.#settled(loser, winner)) ??
      (await this.#quorum(winner)) ??
      (await this.#disk(winner)) ??
      (await this.#deathMatch(loser)) ??
      (await this.#powerOn(loser, winner)) ??
      this.#passed(
        `${loser.name} was fenced, ${winner.name} stayed quorate${this.#lab.storage ? ' and wrote on' : ''}${this.#inTime()}`,
      )
    );
  }

  /** Asks for the fencing, or for the power: fence_xvm needs a port in the guest that the cluster's own may hold just now. */
  #ask(from: Guest, operation: 'reboot' | 'off' | 'on'): Promise<Ran> {
    const [asked, host] = [request(this.#lab, this.#ordeal, operation), this.#host(from.name)];
    if (asked[0] !== 'fence_xvm') return host.run(asked, { timeout: limit });
    return whenPortIsFree(host, this.#lab, () => host.run(asked, inTime));
  }

  #inTime(): string {
    const { detectedMs, fencedMs } = this.#measured;
    const seconds = (ms: number | string | undefined) => Math.round(Number(ms) / 1000);
    return `: lost to the cluster after ${seconds(detectedMs)} s, fenced after ${seconds(fencedMs)} s`;
  }

  /** The guest whose domain is not the one it was. After a split, either; a panic restarts the domain before it is fenced. */
  async #whoIsFenced(): Promise<Guest | undefined> {
    const { guests } = this.#lab;
    const changed = await until(async () => {
      for (const guest of guests) if ((await this.#domain(guest)) !== this.#domains.get(guest.name)) return guest;
      return undefined;
    }, limit);
    // A paused domain has its id until it is fenced; one that panicked or was destroyed has lost it by itself.
    if (changed) this.#mark('domainGoneMs', `the domain of ${changed.name} is not the one it was`);
    return changed;
  }

  /** Notes when a guest first sees that another one is lost. */
  async #watch(guest: Guest): Promise<void> {
    await until(async () => {
      if (this.#over) return true;
      const view = await this.#view(guest);
      if (!view || this.#lab.guests.every(({ name }) => view.online.includes(name))) return undefined;
      this.#sawLost.set(guest.name, this.#ms());
      this.#tell(
        `${guest.name} sees ${this.#lab.guests
          .filter(({ name }) => !view.online.includes(name))
          .map(({ name }) => name)
          .join(', ')} lost`,
      );
      return true;
    }, limit);
  }

  /** The survivor knows that it is gone, and that it was fenced: it is offline, and not unclean. */
  async #settled(loser: Guest, winner: Guest): Promise<Evidence | undefined> {
    const settled = await until(async () => {
      const view = await this.#view(winner);
      return !view || view.online.includes(loser.name) || view.unclean?.includes(loser.name) ? undefined : true;
    }, limit);
    this.#measured.detectedMs = this.#sawLost.get(winner.name) ?? this.#ms();
    if (!settled) return this.failed('fencing', `${winner.name} does not take ${loser.name} for fenced`);
    this.#mark(
      'fencedMs',
      `${winner.name} takes ${loser.name} for fenced; its domain is ${(await this.#domain(loser)) || 'off'}`,
    );
    return undefined;
  }

  async #quorum(winner: Guest): Promise<Evidence | undefined> {
    const quorate = await until(async () => ((await this.#view(winner))?.quorate ? true : undefined), 120_000);
    if (!quorate) return this.failed('quorum', `${winner.name} lost its quorum`);
    this.#mark('quorateMs', `${winner.name} is quorate`);
    return undefined;
  }

  /** What was written before is there, and the survivor writes on. */
  async #disk(winner: Guest): Promise<Evidence | undefined> {
    const { storage } = this.#lab;
    if (!storage) return undefined;
    const host = this.#host(winner.name);
    for (const [name, path] of this.#written) {
      // The first read waits until the lost node's journal was replayed.
      const found = await until(async () => ({ bytes: await host.readFile(path) }), 300_000);
      if (!found) return this.failed('shared disk', `${winner.name} could not read ${path} within 300 s`);
      if (found.bytes === undefined || new TextDecoder().decode(found.bytes) !== this.#word)
        return this.failed('shared disk', `what ${name} wrote to ${path} before, and synced, is lost`);
    }
    const after = `${storage.directory}/.real-after`;
    await host.writeFile(after, Buffer.from(this.#word), 0o600);
    this.#mark('wroteOnMs', `${winner.name} reads what all wrote before, and writes on`);
    await mustRun(host, ['rm', '-f', after, ...this.#written.values()]);
    return undefined;
  }

  /** A second fencing would be a death match: all others are still the domains that they were. */
  async #deathMatch(loser: Guest): Promise<Evidence | undefined> {
    for (const guest of this.#lab.guests) {
      if (guest.name !== loser.name && (await this.#domain(guest)) !== this.#domains.get(guest.name))
        return this.failed('fencing', `${guest.name} was fenced as well: a death match`);
    }
    return undefined;
  }

  /** Off, asked of the fencing host itself: on again is asked there as well. */
  async #powerOn(loser: Guest, winner: Guest): Promise<Evidence | undefined> {
    if (this.#ordeal.way !== 'off') return undefined;
    if ((await this.#domain(loser)) !== '') return this.failed('fencing', `${loser.name} is not off`);
    // The fence_xvm of cman's day knows off and reboot alone; whom the cluster powered off stays so. lab up boots it.
    if (!this.#ordeal.direct || this.#lab.cluster.stack === 'cman') return undefined;
    const { code, stderr, stdout } = await this.#ask(winner, 'on');
    const id = await this.#domain(loser);
    if (code !== 0 || id === '')
      return this.failed('fencing', `fence_xvm -o on ended with ${code}: ${(stderr || stdout).trim()}`);
    this.#mark('onMs', `fence_xvm -o on: the domain of ${loser.name} is ${id} now`);
    return undefined;
  }

  /** Guests hear each other again, whatever happened. */
  async tidyUp(): Promise<void> {
    this.#over = true;
    if (this.#ordeal.way === 'split') await isolate(this.#host('dom0'), [...this.#domains.values()], false);
  }

  /** Once the cluster was made whole: all are in it, and the one that was fenced has booted since. */
  async rejoined(loser: string, boots: ReadonlyMap<string, string>, began: number): Promise<Evidence> {
    this.#began = began;
    const absent = await this.absent();
    if (absent.length > 0) return this.failed('cluster', `not online: ${absent.join(', ')}`);
    this.#mark('rejoinedMs', `all of ${this.#lab.guests.map(({ name }) => name).join(', ')} are in the cluster`);
    for (const { name } of this.#lab.guests) {
      const same = (await bootId(this.#host(name))) === boots.get(name);
      this.#tell(`${name} ${same ? 'has run all the time' : 'has booted since'} (boot id)`);
      if (same === (name === loser))
        return this.failed('fencing', `${name} ${same ? 'never went down' : 'went down as well'}, by its boot id`);
    }
    return this.#passed(
      `${loser} booted again and is back in the cluster, ${Math.round(this.#ms() / 1000)} s after it began`,
    );
  }
}
