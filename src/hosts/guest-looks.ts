import { randomBytes } from 'node:crypto';
import type { GuestRoute, Relay } from './relay.ts';
import { type Answer, Arriving, batchScript, endOf, type Looks } from './session.ts';
import { sshTrouble } from './ssh-trouble.ts';

/** The looks at a guest, through the relay on dom0. */
export class GuestLooks implements Looks {
  readonly #relay: Relay;
  readonly #route: GuestRoute;
  readonly #word = randomBytes(12).toString('hex');
  /** Until then, another connection would be made beside the one that is being made. */
  #connected: Promise<void> | undefined;
  ended = false;
  broke = false;

  constructor(relay: Relay, route: GuestRoute) {
    this.#relay = relay;
    this.#route = route;
  }

  warm(limit: number): void {
    this.#connected ??= this.#relay.connect(this.#route, limit).catch(() => {});
  }

  async ask(
    scriptlets: readonly string[],
    limit: number,
    answered: (answer: Answer, n: number) => void,
  ): Promise<void> {
    await this.#connected;
    try {
      // A first word at once: it tells that the guest is there.
      const script = `printf '\\n%s\\n' ${this.#word}\n${batchScript(scriptlets, this.#word)}`;
      const said = await this.#relay.run(this.#route, script, limit);
      const [stdout, stderr] = [new Arriving(said.stdout), new Arriving(said.stderr)];
      const reached = stdout.take(`\n${this.#word}`) !== undefined;
      for (const n of scriptlets.keys()) {
        const end = endOf(this.#word, n);
        const [out, err] = [stdout.take(end.stdout), stderr.take(end.stderr)];
        if (!out || !err) {
          this.broke = reached || said.kept;
          throw sshTrouble(this.#route.name, stderr.toString(), said.code);
        }
        answered({ code: Number(out.rest), stdout: out.before, stderr: err.before.toString() }, n);
      }
    } catch (error) {
      this.broke ||= this.#relay.broke;
      this.ended = true;
      throw error;
    }
  }

  close(): void {
    this.ended = true;
  }
}
