import type { Emit } from '../../model/event.ts';

/** Shows a run to somebody. Fed by events only: it never does work, and never asks. */
export interface Reporter {
  readonly emit: Emit;
  /** What is no event and has to be seen at once: "ending what is under way". Writing it past a reporter would tear the screen. */
  note(says: string): void;
  /** Resolves once everything is shown and written; also when the run broke off without a summary. A second call does nothing. */
  end(): Promise<void>;
}

/** Where text goes: a stream, or a collector in a test. */
export interface Output {
  write(text: string, written?: (error?: Error | null) => void): boolean;
}

export interface Shown {
  readonly stdout: Output;
  /** For the account of a failure. */
  readonly stderr: Output;
  /** The command that goes on after a failure, e.g. `lab up --file x.yaml`. */
  readonly resume: string;
  readonly colours: boolean;
}

/** Resolves when all that was written before has left. A reader that went away (`| head`) is no error of ours. */
export function flushed(output: Output): Promise<void> {
  return new Promise((resolve) => {
    output.write('', () => resolve());
  });
}
