import type { Result } from '../call.ts';

/** Where initscripts put their verdict on a terminal. They end it with a carriage return. */
const column = 60;

export const okMark = '[  OK  ]\r\n';
export const failedMark = '[FAILED]\r\n';

/** A line of an init script with its verdict. */
export function verdict(text: string, good: boolean): string {
  return `${text.padEnd(text.includes('\n') ? 0 : column - 1)} ${good ? okMark : failedMark}`;
}

/**
 * The output of cman's init script, stage by stage. 2.x says `done` or `failed` of each, and a verdict on the whole (the
 * document, Setting up the cluster 4); 3.x has a verdict for each (facts/cman.md).
 */
export class Stages {
  readonly #each: boolean;
  #text: string;
  #failed = false;

  constructor(title: string, major: number) {
    this.#each = major >= 6;
    this.#text = `${title}: \n`;
  }

  get text(): string {
    return this.#text;
  }

  /** @param trouble what the stage says of its failure. @returns whether to go on */
  stage(name: string, trouble?: string): boolean {
    const good = trouble === undefined;
    const head = `   ${name}... `;
    if (this.#each) this.#text += good ? verdict(head.trimEnd(), true) : `${head}${trouble}\n${verdict('', false)}`;
    else this.#text += good ? `${head}done\n` : `${head}failed\n${trouble === '' ? '' : `${trouble}\n`}`;
    this.#failed ||= !good;
    return good;
  }

  add(text: string): void {
    this.#text += text;
  }

  end(seconds?: number): Result {
    const stdout = this.#each ? this.#text : this.#text + verdict('', !this.#failed);
    return { code: this.#failed ? 1 : 0, stdout, ...(seconds === undefined ? {} : { seconds }) };
  }
}
