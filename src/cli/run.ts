import { writeFile } from 'node:fs/promises';
import { dryRun } from '../engine/dry-run.ts';
import { readFault } from '../engine/fault.ts';
import { faulty } from '../engine/faulty.ts';
import type { RunOptions } from '../engine/run-options.ts';
import { up } from '../engine/up.ts';
import { BadInput, Interrupted, LabError } from '../model/errors.ts';
import type { Hosts, Lock } from '../model/host.ts';
import type { Chapter } from '../model/step.ts';
import { sandboxPaths } from '../sandbox/paths.ts';
import { runningPid } from '../sandbox/qemu.ts';
import { consent } from './consent.ts';
import type { Context, WhichLab } from './context.ts';
import { freshSandbox } from './foresight.ts';
import { reporterFor } from './reporters/index.ts';
import { terminalIsGone } from './terminal-gone.ts';
import type { Timed } from './timeline.ts';
import { showWhere } from './where.ts';
import { streams, warn } from './output.ts';

/** `--only`: some chapters alone. @throws BadInput */
export function chosen(chapters: readonly Chapter[], only: readonly string[] = []): readonly Chapter[] {
  const ids = chapters.map(({ id }) => id);
  const unknown = only.filter((id) => !ids.includes(id));
  if (unknown.length > 0) {
    throw new BadInput([
      { place: { file: '--only' }, message: `found "${unknown[0]}", expected a chapter: ${ids.join(', ')}` },
    ]);
  }
  return only.length === 0 ? chapters : chapters.filter(({ id }) => only.includes(id));
}

export interface RunChoices {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly trace?: boolean;
  /** Nothing of the lab is left after it: its lock files go too. */
  readonly last?: boolean;
  readonly timeline?: boolean | string;
  /** Trials run again, whatever was proved before. */
  readonly again?: boolean;
}

/** Runs chapters, or shows what they would do, with the lock, the reporter and the signals. @returns the exit code */
export async function runChapters(
  context: Context,
  chapters: readonly Chapter[],
  choices: RunChoices,
  resume: string,
): Promise<number> {
  const { lab, where, journal } = context;
  const fault = readFault(process.env.LAB_FAULT);
  const hosts = fault ? faulty(context.hosts, fault) : context.hosts;
  const plan = choices.dryRun === true;
  // While the lock is taken, ssh gets into the guests.
  for (const name of new Set(chapters.flatMap(({ nodes }) => nodes.map(({ on }) => on)))) hosts.warm(name);
  const lock = plan ? undefined : await context.takeLock();
  const { stdout, stderr } = streams();
  const reporter = await reporterFor({
    json: choices.json === true,
    tty: stdout.isTTY === true && !process.env.CI,
    dryRun: plan,
    stdout,
    stderr,
    resume,
  });
  const [began, told]: [number, Timed[]] = [performance.now(), []];
  const { signal, broken, stopListening } = untilInterrupted(hosts, lock, reporter.note);
  const options: RunOptions = {
    lab: lab.name,
    where: showWhere(where),
    chapters,
    hosts,
    journal,
    proofs: choices.again ? { evidence: async () => undefined } : journal,
    emit: (event) => {
      if (choices.timeline) told.push({ at: performance.now() - began, event });
      reporter.emit(event);
    },
    slowness: context.slowness,
    pause: context.pause,
    fault,
    signal,
    broken,
    approve: async () => choices.yes === true,
    explain: async (trial, evidence) =>
      // The fencing test: its layers are the doctor's.
      trial.id.startsWith('8.') ? (await import('./diagnosis.ts')).explained(context, evidence) : evidence,
    consent: (edited) => consent(edited, choices.yes === true),
  };
  let gone = false;
  try {
    if (!plan) {
      await journal.compact();
      await journal.add({ is: 'run', command: resume });
    }
    const summary = await (plan ? foresightedDryRun(context, options) : up(options));
    await reporter.end();
    gone = choices.last === true && summary.failed === 0;
    return summary.failed > 0 ? 1 : 0;
  } finally {
    await reporter.end();
    stopListening();
    if (choices.trace) traceRoundTrips(context);
    if (choices.timeline) await showTimeline(told, choices.timeline);
    await lock?.release(gone);
  }
}

/** A dry-run; where there is no dom0 yet, on the one that the sandbox will be. */
async function foresightedDryRun({ lab, where, hosts }: Context, options: RunOptions) {
  if (where.is !== 'sandbox' || (await runningPid(hosts.host('local'), sandboxPaths(lab.name))) !== undefined)
    return dryRun(options);
  const { foresee, forget } = await freshSandbox(lab);
  try {
    return await dryRun({ ...options, foresee });
  } finally {
    await forget();
  }
}

/**
 * Ctrl-C once (or SIGTERM, or a terminal that is closed): what is under way ends, nothing new begins. Twice: it is broken off,
 * and a trial puts right what it changed. Three times: lab leaves as things are. A lock that is lost counts as once.
 */
function untilInterrupted(
  hosts: Hosts,
  lock: Lock | undefined,
  note: (says: string) => void,
): { signal: AbortSignal; broken: AbortSignal; stopListening: () => void } {
  const controller = new AbortController();
  const breaking = new AbortController();
  lock?.onLost(() => {
    note('the connection that held the lock of the lab is lost: ending what is under way');
    controller.abort(new LabError('the lock of the lab was lost: another run may hold it now', 'run it again'));
  });
  const onSignal = (name: NodeJS.Signals) => {
    if (name === 'SIGHUP') terminalIsGone();
    if (breaking.signal.aborted) process.exit(130);
    if (controller.signal.aborted) {
      note('breaking it off, and putting right what was changed for a trial; once more to leave at once');
      breaking.abort(new Interrupted('broken off'));
      hosts.kill();
      return;
    }
    note('ending what is under way; once more to break it off');
    controller.abort(new Interrupted('interrupted'));
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, onSignal);
  const stopListening = () => {
    for (const name of signals) process.off(name, onSignal);
  };
  return { signal: controller.signal, broken: breaking.signal, stopListening };
}

/** `--timeline`: to stderr, or as a picture into a file. */
async function showTimeline(told: readonly Timed[], where: true | string): Promise<void> {
  const { timelineOf } = await import('./timeline.ts');
  const timeline = timelineOf(told);
  if (where === true) warn((await import('./timeline-text.ts')).timelineText(timeline));
  else await writeFile(where, (await import('./timeline-svg.ts')).timelineSvg(timeline));
}

/** `--trace`: what the run cost, in round trips. */
function traceRoundTrips({ hosts }: Context): void {
  const counts = Object.entries(hosts.roundTrips()).map(([name, count]) => `${name} ${count}`);
  warn(`lab: round trips: ${counts.join(', ') || 'none'}\n`);
}

/** The command that goes on where this one stopped. */
export function resumeCommand(command: string, { file, host }: WhichLab): string {
  return [
    command,
    ...(file === undefined ? [] : ['--file', file]),
    ...(host === undefined ? [] : ['--host', host]),
  ].join(' ');
}
