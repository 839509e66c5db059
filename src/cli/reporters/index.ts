import type { Reporter, Shown } from './reporter.ts';

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
  if (json) return (await import('./json.ts')).jsonReporter({ stdout, stderr });
  const colours = Boolean(stdout.isTTY) && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
  const shown: Shown = { stdout, stderr, resume, colours };
  if (!tty || dryRun || process.env.TERM === 'dumb') return (await import('./plain.ts')).plainReporter(shown);
  return (await import('./tty.ts')).ttyReporter({ ...shown, stdout, stderr });
}
