import { randomBytes } from 'node:crypto';
import type { GuestRoute, Relay } from './relay.ts';
import { type Answer, Arriving, batchScript, type Looks, takeAnswer } from './session.ts';
import { patient } from './ssh.ts';
import { sshTrouble } from './ssh-trouble.ts';

/** The looks at a guest, through the relay on dom0. */
export class GuestLooks implements Looks {
  readonly #relay: () => Promise<Relay>;
  readonly #route: GuestRoute;
  readonly #word = randomBytes(12).toString('hex');
  /** Until then, another connection would be made beside the one that is being made. */
  #connected: Promise<void> | undefined;
  ended = false;
  broke = false;

  /** @param relay the one that dom0 has now */
  constructor(relay: () => Promise<Relay>, route: GuestRoute) {
    this.#relay = relay;
    this.#route = route;
  }

  warm(limit: number): void {
    this.#connected ??= this.#relay()
      .then((relay) => relay.connect(this.#route, limit))
      .then(
        () => {},
        () => {},
      );
  }

  async stands(): Promise<void> {
    const relay = await this.#relay();
    const { name, connection } = this.#route;
    const route = { ...this.#route, connection: [...patient.options, ...connection] };
    const { code, stderr } = await relay.connect(route, patient.within);
    if (code !== 0) throw sshTrouble(name, stderr.toString(), code);
  }

  async ask(
    scriptlets: readonly string[],
    limit: number,
    answered: (answer: Answer, n: number) => void,
  ): Promise<void> {
    await this.#connected;
    const relay = await this.#relay();
    try {
      // A first word at once: it tells that the guest is there.
      const script = `printf '\\n%s\\n' ${this.#word}\n${batchScript(scriptlets, this.#word, false)}`;
      const said = await relay.run(this.#route, script, limit);
      const arrived = new Arriving(said.stdout);
      const reached = arrived.take(`\n${this.#word}`) !== undefined;
      const take = (boundary: string) => {
        const taken = arrived.take(boundary);
        if (taken) return taken;
        this.broke = reached || said.kept;
        throw sshTrouble(this.#route.name, said.stderr.toString(), said.code);
      };
      for (const n of scriptlets.keys()) answered(await takeAnswer(take, this.#word, n), n);
    } catch (error) {
      this.broke ||= relay.broke;
      this.ended = true;
      throw error;
    }
  }

  close(): void {
    this.ended = true;
  }
}
