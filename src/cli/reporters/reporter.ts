import type { Emit } from '../../model/event.ts';

/** Shows a run to somebody. Fed by events only: it never does work, and never asks. */
export interface Reporter {
  readonly emit: Emit;
  /** Resolves once everything is shown and written; also when the run broke off without a summary. */
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

/** What is asked for. `tty`: a terminal that somebody watches, not CI. */
export interface ReporterOptions {
  readonly json: boolean;
  readonly tty: boolean;
  /** A plan is to be read, scrolled and searched: plain lines, also on a terminal. */
  readonly dryRun: boolean;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly resume: string;
}

/** The reporter for a run. Only this one's libraries are loaded. */
export async function reporterFor(options: ReporterOptions): Promise<Reporter> {
  const { json, tty, dryRun, stdout, stderr, resume } = options;
  if (json) return (await import('./json.ts')).jsonReporter({ stdout });
  const colours = Boolean(stdout.isTTY) && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
  const shown: Shown = { stdout, stderr, resume, colours };
  if (!tty || dryRun || process.env.TERM === 'dumb') return (await import('./plain.ts')).plainReporter(shown);
  return (await import('./tty.ts')).ttyReporter({ ...shown, stdout, stderr });
}

/** Resolves when all that was written before has left. A reader that went away (`| head`) is no error of ours. */
export function flushed(output: Output): Promise<void> {
  return new Promise((resolve) => {
    output.write('', () => resolve());
  });
}
