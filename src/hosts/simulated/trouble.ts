import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, type Result } from './call.ts';
import type { Running } from './state.ts';
import type { World } from './world.ts';

/**
 * What is wrong with a world, from DIR/trouble.json; nothing, if there is no such file. Whoever writes it does so from
 * outside, and may take it away again: docs/faults.md.
 */
export interface Trouble {
  /** What becomes of a guest that is started. `no-memory`: Xen has none left for it, whatever it said before. */
  readonly guests?: Readonly<Record<string, 'never-boots' | 'no-network' | 'panics' | 'no-memory'>>;
  /** MiB that Xen has for guests. */
  readonly memory?: number;
  /** Directories of dom0 on a file system that is mounted read-only, e.g. `/etc`. */
  readonly readOnly?: readonly string[];
}

/** @throws SyntaxError where the file is no JSON */
export function readTrouble(directory: string): Trouble {
  try {
    return JSON.parse(readFileSync(join(directory, 'trouble.json'), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

/** What is wrong with a domain that runs, or is about to. */
export function troubleOf({ state, trouble }: World, running: Running) {
  const name = Object.keys(state.running).find((one) => state.running[one] === running);
  return name === undefined ? undefined : trouble.guests?.[name];
}

/** Programs that change files, and which of their operands are changed. */
const changed: Readonly<Record<string, (operands: readonly string[]) => readonly string[]>> = {
  chmod: (operands) => operands.slice(1),
  cp: (operands) => operands.slice(-1),
  dd: (operands) => operands.filter((word) => word.startsWith('of=')).map((word) => word.slice(3)),
  install: (operands) => operands.slice(-1),
  mkdir: (operands) => operands,
  mv: (operands) => operands,
  rm: (operands) => operands,
  setfattr: (operands) => operands.slice(-1),
  'ssh-keygen': (operands) => operands.slice(-1),
  touch: (operands) => operands,
  write: (operands) => operands,
  'apt-get': () => ['/etc'],
  chkconfig: () => ['/etc'],
};

/** What a program that changes files says on a read-only file system (EROFS); undefined: it does not touch one. */
export function refusedAsReadOnly({ trouble }: World, [program = '', ...args]: readonly string[]): Result | undefined {
  const targets = changed[program]?.(args.filter((arg) => !arg.startsWith('-'))) ?? [];
  const target = targets.find((path) => trouble.readOnly?.some((at) => path === at || path.startsWith(`${at}/`)));
  return target === undefined ? undefined : fail(1, `${program}: '${target}': Read-only file system`);
}
