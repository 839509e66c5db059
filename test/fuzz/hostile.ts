import fc from 'fast-check';
import { NotYet, Unreachable } from '../../src/model/errors.ts';
import type { Argv, FileReader, Host, Hosts, Ran, Stat } from '../../src/model/host.ts';
import { mutated, mutatedBytes } from './mutations.ts';

/** One look at a host: its words, and its answer. */
export type Answers = Map<string, Promise<unknown>>;

/** Falsifies an answer, given its words; whatever it returns or throws takes the place of the real one. */
export type Falsify = (look: string, answer: unknown) => unknown;

type Ask = <T>(look: string, real: () => Promise<T>) => Promise<T>;

/** A host whose looks go through `ask`. What it runs and writes goes to the real one. */
function asked(host: Host, ask: Ask): Host {
  const files = (files: FileReader, words: string): FileReader => ({
    readFile: (path) => ask(`${words}file ${path}`, () => files.readFile(path)),
    stat: (path) => ask(`${words}stat ${path}`, () => files.stat(path)),
    digest: (path) => ask(`${words}digest ${path}`, () => files.digest(path)),
  });
  return {
    ...files(host, `${host.name}: `),
    name: host.name,
    read: (argv) => ask(`${host.name}: read ${argv.join(' ')}`, () => host.read(argv)),
    list: (path) => ask(`${host.name}: list ${path}`, () => host.list(path)),
    disk: (image) => files(host.disk(image), `${host.name}: ${image} `),
    // What a trial runs is read as well.
    run: (argv, options) => ask(`${host.name}: run ${argv.join(' ')}`, () => host.run(argv, options)),
    writeFile: (...args) => host.writeFile(...args),
  };
}

function hosts(real: Hosts, ask: Ask): Hosts {
  return {
    host: (name) => asked(real.host(name), ask),
    warm: () => {},
    forget: (name) => real.forget(name),
    lock: (...args) => real.lock(...args),
    kill: () => real.kill(),
    argv: (...args: [string, Argv, boolean]) => real.argv(...args),
    roundTrips: () => real.roundTrips(),
    close: () => real.close(),
  };
}

/** Hosts that answer as they answered before: a look is made once, then told again, falsified. */
export function replayed(real: Hosts, answers: Answers, falsify: Falsify = (_, answer) => answer): Hosts {
  return hosts(real, async <T>(look: string, ask: () => Promise<T>) => {
    const known = answers.get(look) ?? ask();
    answers.set(look, known);
    return falsify(look, await known) as T;
  });
}

/** Hosts whose answers are falsified as they come. */
export function falsified(real: Hosts, falsify: Falsify): Hosts {
  return hosts(real, async <T>(look: string, ask: () => Promise<T>) => falsify(look, await ask()) as T);
}

const isRan = (answer: unknown): answer is Ran => typeof answer === 'object' && answer !== null && 'argv' in answer;
const isStat = (answer: unknown): answer is Stat => typeof answer === 'object' && answer !== null && 'kind' in answer;

/** What becomes of one answer; made of values alone, so that a failing case can be shown and made smaller. */
const lies = fc.record({
  text: mutated('', 'error: failed to connect', 'x\ny z\n', '<a/>', '1 2 3'),
  /** Where of the real text, and how much, is exchanged for `text`. */
  at: fc.nat(9999),
  cut: fc.oneof(fc.nat(20), fc.constant(1e9)),
  bytes: mutatedBytes('a\n'),
  code: fc.constantFrom(0, 0, 0, 1, 2, 44, 124, 127, 255),
  number: fc.constantFrom(0, 1, 2 ** 53, 2 ** 40, 0o777, 0o4755),
  how: fc.constantFrom('text', 'text', 'text', 'text', 'code', 'none', 'empty', 'gone', 'not yet'),
});

/** Falsifies some looks of a list, each in its own way; the others stay true. */
export const lying: fc.Arbitrary<readonly { readonly which: number; readonly lie: Lie }[]> = fc.array(
  fc.record({ which: fc.nat(), lie: lies }),
  { minLength: 1, maxLength: 3 },
);

export type Lie = typeof lies extends fc.Arbitrary<infer T> ? T : never;

function splice(text: string, { at, cut, text: put }: Lie): string {
  const start = cut === 1e9 ? 0 : Math.floor((at / 10_000) * (text.length + 1));
  return text.slice(0, start) + put + text.slice(start + cut);
}

export function lieAbout(look: string, answer: unknown, lie: Lie): unknown {
  const { how, code, number, bytes, text } = lie;
  if (how === 'gone') throw new Unreachable('a host', text);
  if (how === 'not yet') throw new NotYet('a host');
  if (isRan(answer)) {
    if (how === 'none') return { ...answer, code: code || 1, stdout: '', stderr: text };
    if (how === 'empty') return { ...answer, code, stdout: '', stderr: '' };
    if (how === 'code') return { ...answer, code };
    return { ...answer, stdout: splice(answer.stdout, lie), stderr: splice(answer.stderr, lie) };
  }
  if (how === 'none') return undefined;
  if (answer === undefined && !/: (\S+ )?file /.test(look)) {
    if (/: (\S+ )?stat /.test(look))
      return { kind: 'file', size: number, allocated: number, mode: 0o600, uid: 0, modified: number };
    return /: (\S+ )?digest /.test(look) ? 'a'.repeat(64) : [];
  }
  if (isStat(answer)) {
    const keys = ['size', 'allocated', 'mode', 'uid', 'modified'] as const;
    const kinds = ['file', 'directory', 'block', 'other'] as const;
    return { ...answer, [keys[lie.at % keys.length] ?? 'size']: number, kind: kinds[lie.cut % 4] };
  }
  if (answer instanceof Uint8Array || answer === undefined) {
    if (how === 'empty' || answer === undefined) return how === 'empty' ? new Uint8Array() : bytes;
    return how === 'code' ? bytes : Buffer.from(splice(Buffer.from(answer).toString('latin1'), lie), 'latin1');
  }
  if (Array.isArray(answer)) return how === 'empty' ? [] : [...answer, ...text.split('\n').filter(Boolean)];
  return typeof answer === 'string' ? splice(answer, lie) : answer;
}

/** A Falsify that lies about the chosen looks. @param looks all there are */
export function liar(looks: readonly string[], lie: readonly { which: number; lie: Lie }[]): Falsify {
  const about = new Map(lie.map(({ which, lie: one }) => [looks[which % looks.length] ?? '', one]));
  return (look, answer) => {
    const found = about.get(look);
    return found ? lieAbout(look, answer, found) : answer;
  };
}
