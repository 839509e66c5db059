import type { Argv, Host, Ran } from './host.ts';

/**
 * What is still missing in the world, as data. `--dry-run` prints changes, `up` makes the very same objects true.
 * `destroys` names what is lost for good by a change: such a change is asked about first.
 */
export type Change = FileChange | CommandChange | ActChange | Wait;

/** A file to be written, atomically. Shown as a diff; a secret shows only its digest. */
export interface FileChange {
  readonly is: 'file';
  readonly path: string;
  readonly mode: number;
  /** What is there now; undefined: nothing, or not known yet. */
  readonly before?: Uint8Array | undefined;
  readonly after: Uint8Array;
  readonly secret?: true;
  /** Somebody edited it by hand since lab wrote it: asked about first. The path under which their version stays. */
  readonly byHand?: string;
}

/** A command to be run; an exit code other than 0 fails the step. */
export interface CommandChange {
  readonly is: 'command';
  readonly argv: Argv;
  /** stdin. Never a secret: it is shown. */
  readonly input?: string;
  /** Why, if the command does not say it itself. */
  readonly why?: string;
  readonly destroys?: string;
  /** Where to look for how far a long copy has come: this file grows to so many allocated bytes. */
  readonly grows?: { readonly path: string; readonly bytes: number };
  /** It leaves a process behind on purpose (a daemon). */
  readonly outlives?: true;
  /** Reads its output after a failure: what it means, and what usually causes it. */
  readonly explain?: (ran: Ran) => string | undefined;
  /** Reads the output of a command that ended with 0: why it did nothing all the same. The step then fails. */
  readonly declined?: (ran: Ran) => string | undefined;
  /** Limit in milliseconds; default 10 minutes. */
  readonly timeout?: number;
}

/** Rare: what no single command or file can say. */
export interface ActChange {
  readonly is: 'act';
  readonly says: string;
  readonly destroys?: string;
  act(host: Host): Promise<void>;
}

/** Nothing is made: the world comes to it by itself, and whoever looks must be told what for. LAB_FAULT does not count it. */
export interface Wait {
  readonly is: 'wait';
  readonly says: string;
}

export function wait(says: string): Wait {
  return { is: 'wait', says };
}

const encoder = new TextEncoder();

/** A file change from text. */
export function file(path: string, mode: number, text: string, before?: Uint8Array): FileChange {
  return { is: 'file', path, mode, before, after: encoder.encode(text) };
}

/** A command change. */
export function command(argv: Argv, more: Omit<CommandChange, 'is' | 'argv'> = {}): CommandChange {
  return { is: 'command', argv, ...more };
}

/** A change in one line, for a person. */
export function sayChange(change: Change): string {
  if (change.is === 'file') return `write ${change.path}`;
  if (change.is === 'act' || change.is === 'wait') return change.says;
  return change.why ?? change.argv.join(' ');
}

/** All that a change will do, as one text: two changes with the same text do the same. */
export function showable(change: Change): string {
  if (change.is === 'file') return `${change.path} ${change.mode} ${new TextDecoder().decode(change.after)}`;
  return change.is === 'act' || change.is === 'wait' ? change.says : JSON.stringify([change.argv, change.input]);
}
