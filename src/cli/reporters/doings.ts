import type { NodeInfo } from '../../model/event.ts';

interface Doing {
  readonly node: NodeInfo;
  says: string;
  told: string | undefined;
  toldAt: number;
}

/** Silence of this long means that something is slow and worth a line (ms). */
const SOON = 2000;
/** How often a wait that goes on is told. */
const AGAIN = 15_000;
/** How often something is told that says nothing new: a log that stands still looks like a hang. */
const STILL = 60_000;

/** `12 s of 60 s: no answer` and `13 s of 60 s: no answer` mean the same. */
const meaning = (says: string | undefined) => says?.replace(/\d+/g, '#');

/** Decides when what is under way is worth a line: not every second, and nothing about what is over in a moment. */
export class Doings {
  readonly #doings = new Map<string, Doing>();
  readonly #tell: (node: NodeInfo, says: string) => void;
  readonly #timer: NodeJS.Timeout;

  constructor(tell: (node: NodeInfo, says: string) => void) {
    this.#tell = tell;
    this.#timer = setInterval(() => this.#look(), 1000).unref();
  }

  begin(node: NodeInfo): void {
    this.#doings.set(node.id, { node, says: '', told: undefined, toldAt: performance.now() });
  }

  says(id: string, says: string): void {
    const doing = this.#doings.get(id);
    if (doing) doing.says = says;
  }

  end(id: string): void {
    this.#doings.delete(id);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const doing of this.#doings.values()) {
      const { node, says, told, toldAt } = doing;
      if (says === '') continue;
      const pause = meaning(says) !== meaning(told) ? SOON : says !== told ? AGAIN : STILL;
      if (performance.now() - toldAt < pause) continue;
      doing.told = says;
      doing.toldAt = performance.now();
      this.#tell(node, says);
    }
  }
}
