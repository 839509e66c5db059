/** A machine seen from `lab`: `local` (where lab runs), `dom0`, or a guest by its name. */
export type HostName = string;

/** A program and its arguments. Never a shell string: quoting is the business of `hosts/` alone. */
export type Argv = readonly [string, ...string[]];

/** How a command ended. A code other than 0 is an answer, not an error. */
export interface Ran {
  readonly argv: Argv;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What stat(2) tells, links followed. */
export interface Stat {
  readonly kind: 'file' | 'directory' | 'block' | 'other';
  /** Apparent size in bytes. */
  readonly size: number;
  /** Bytes really allocated: less than `size` for a sparse file. */
  readonly allocated: number;
  /** Permission bits, e.g. 0o600. */
  readonly mode: number;
  readonly uid: number;
  /** When its bytes were last written (s since 1970, to the millisecond). Infinity: a plan will write it. */
  readonly modified: number;
}

/** A way to look at files: a host's, or those inside a guest's disk. It has no way to write. */
export interface FileReader {
  /** The bytes of a file, or undefined if there is none. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  stat(path: string): Promise<Stat | undefined>;
  /** sha256 in hex, computed where the file is, so that a secret's bytes stay there. */
  digest(path: string): Promise<string | undefined>;
}

/**
 * A way to look at a host. It has no way to write: a dry-run holds nothing else.
 * Reads asked for in the same turn travel together, so ask for all you need at once (`Promise.all`).
 * @throws NotYet when the host is not there (a guest that is off, a sandbox not built)
 * @throws Unreachable when the connection broke
 */
export interface Reader extends FileReader {
  readonly name: HostName;
  /** Run a command that only looks. One that is not known to only look is refused (hosts/read-only.ts). */
  read(argv: Argv): Promise<Ran>;
  /** Names in a directory, sorted; undefined if there is none. */
  list(path: string): Promise<readonly string[] | undefined>;
  /** The root file system inside a raw image, read without mounting it (debugfs). For guests that are off. */
  disk(image: string): FileReader;
}

export interface RunOptions {
  /** Bytes for stdin: the place for whatever must not show in argv. */
  readonly input?: string | Uint8Array;
  /** Kill the command after this many milliseconds; it then ends with code 124, as timeout(1) does. */
  readonly timeout?: number;
  /** Called with what arrives on stdout, as it arrives. */
  readonly onOutput?: (chunk: string) => void;
  /** The command leaves a process behind on purpose, which nobody should wait for. */
  readonly outlives?: boolean;
  /** Fault injection: called once, in the middle of the work. If it throws GivenUp, the command fails there, half done. */
  readonly midway?: (() => void) | undefined;
}

/** One thing that is done to a host: a command, which gets no stdin, or a file that is written. */
export type Deed =
  { readonly argv: Argv } | { readonly path: string; readonly bytes: Uint8Array; readonly mode: number };

export interface DeedOptions extends Pick<RunOptions, 'timeout' | 'midway'> {
  /** Told when the n-th begins, from 0. */
  readonly begins?: (n: number) => void;
}

/** A Reader that can also change its host. Only the engine hands it out, to approved changes and trials. */
export interface Host extends Reader {
  run(argv: Argv, options?: RunOptions): Promise<Ran>;
  /** Atomic: a temporary name in the same directory, fsync, rename. Parent directories are made. The mode holds from the first byte on. */
  writeFile(path: string, bytes: Uint8Array, mode: number, midway?: () => void): Promise<void>;
  /**
   * Several deeds in one session, one after the other, until one fails: where a session costs more than what is done in it.
   * @returns how those ended that were begun: all but the last with 0
   */
  runAll?(deeds: readonly Deed[], options: DeedOptions): Promise<readonly Ran[]>;
}

/** A kernel lock, gone with the process or the connection that holds it. */
export interface Lock {
  /** Told once if it is lost while it is held: with its connection, or because its holder was killed. */
  onLost(lost: () => void): void;
  /** @param gone nothing is left that could be locked: the file goes too */
  release(gone?: boolean): Promise<void>;
}

/** The hosts of one lab. */
export interface Hosts {
  /** The same object for the same name. Connecting happens at the first use. */
  host(name: HostName): Host;
  /** Begins to connect to a host that will be looked at. Whether it is there shows in the look. */
  warm(name: HostName): void;
  /** Waits for a host that boots, a minute and a half at most, with one connection that is tried until it stands. @returns whether it answers */
  arrives?(name: HostName): Promise<boolean>;
  /** Forget what was learnt about whether this host is there: it was just booted or stopped. */
  forget(name: HostName): Promise<void>;
  /**
   * Takes the kernel lock on a file of a host and writes `who` into it.
   * @param onWait told when a command that outlived a killed run has to be waited for
   * @throws Held with what the holder wrote, if another run has it
   */
  lock(name: HostName, path: string, who: string, onWait: (says: string) => void): Promise<Lock>;
  /** Ends the commands under way: after a second Ctrl-C. */
  kill(): void;
  /** Fault injection: dom0 loses its power, and boots again. Only a simulated one can. */
  reboot?(): void;
  /** How to start a program on a host by hand, as a local argv: for `lab ssh` and `lab console`. */
  argv(name: HostName, argv: Argv, tty: boolean): Promise<Argv>;
  /** Round trips made so far, a count per host: what `--trace` prints. */
  roundTrips(): Readonly<Record<HostName, number>>;
  /** Ends the connections, for good: a look that is still under way is told so. */
  close(): Promise<void>;
}
