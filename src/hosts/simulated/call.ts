import type { Machine, World } from './world.ts';

/** How a simulated command ended. */
export interface Result {
  readonly code: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** How long it would have taken, if that is long: the world's clock jumps, nobody waits. */
  readonly seconds?: number;
  /** It waits for something that others do: it is run again in a moment, with the same `since`. */
  readonly blocked?: boolean;
}

/** A command on a machine. */
export interface Call {
  readonly world: World;
  readonly machine: Machine;
  readonly program: string;
  readonly args: readonly string[];
  readonly input: Buffer;
  /** Fault injection: called where a death hurts most, and by the dispatcher if the command did not. */
  readonly midway: () => void;
  /** When it was started, by this computer's clock in milliseconds; none: now. */
  readonly since?: number;
}

export type Handler = (call: Call) => Result;

export function ok(stdout = '', stderr = ''): Result {
  return { code: 0, stdout, stderr };
}

export function fail(code: number, stderr: string, stdout = ''): Result {
  return { code, stdout, stderr: stderr === '' || stderr.endsWith('\n') ? stderr : `${stderr}\n` };
}

/** An option that the program does not know, or that is not simulated: never silently passed over. */
export class BadUsage extends Error {}

/** Options found in the arguments, and the rest. */
export class Options {
  readonly rest: readonly string[];
  readonly #found: readonly { readonly name: string; readonly value: string }[];

  constructor(found: readonly { name: string; value: string }[], rest: readonly string[]) {
    this.#found = found;
    this.rest = rest;
  }

  has(...names: readonly string[]): boolean {
    return this.count(...names) > 0;
  }

  count(...names: readonly string[]): number {
    return this.#found.filter(({ name }) => names.includes(name)).length;
  }

  /** The last value given. */
  value(...names: readonly string[]): string | undefined {
    return this.values(...names).at(-1);
  }

  values(...names: readonly string[]): readonly string[] {
    return this.#found.filter(({ name }) => names.includes(name)).map(({ value }) => value);
  }
}

/**
 * Reads options as getopt_long(3) does: `-rf`, `-n 5`, `-n5`, `--long`, `--long=5`, `--long 5`, `--`.
 * @param flags options without a value; @param valued options with one
 * @throws BadUsage
 */
export function getopt(args: readonly string[], flags: readonly string[], valued: readonly string[] = []): Options {
  const found: { name: string; value: string }[] = [];
  const rest: string[] = [];
  const queue = [...args];
  const take = (name: string): string => {
    const value = queue.shift();
    if (value === undefined)
      throw new BadUsage(
        name.startsWith('--') ? `option '${name}' requires an argument` : `option requires an argument -- '${name[1]}'`,
      );
    return value;
  };
  const short = (letters: string): void => {
    for (let n = 0; n < letters.length; n++) {
      const name = `-${letters[n]}`;
      if (flags.includes(name)) found.push({ name, value: '' });
      else if (valued.includes(name)) {
        found.push({ name, value: letters.slice(n + 1) || take(name) });
        return;
      } else throw new BadUsage(`invalid option -- '${letters[n]}'`);
    }
  };
  for (let arg = queue.shift(); arg !== undefined; arg = queue.shift()) {
    const [name = '', ...value] = arg.split('=');
    if (arg === '--') rest.push(...queue.splice(0));
    else if (!arg.startsWith('-') || arg === '-') rest.push(arg);
    else if (valued.includes(name) && name.startsWith('--'))
      found.push({ name, value: value.length > 0 ? value.join('=') : take(name) });
    else if (flags.includes(arg)) found.push({ name: arg, value: '' });
    else if (arg.startsWith('--')) throw new BadUsage(`unrecognized option '${arg}'`);
    else short(arg.slice(1));
  }
  return new Options(found, rest);
}
