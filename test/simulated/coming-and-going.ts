import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { recipes } from '../../recipes/index.ts';
import { down } from '../../recipes/down.ts';
import { Journal } from '../../src/engine/journal.ts';
import { up } from '../../src/engine/up.ts';
import { SimulatedHosts, seedSimulated } from '../../src/hosts/simulated/index.ts';
import type { StepEvent, SummaryEvent } from '../../src/model/event.ts';
import type { Chapter } from '../../src/model/step.ts';
import { type Lab, leavingOf } from '../../src/spec/lab.ts';
import { dom0Paths } from '../../src/spec/paths.ts';
import { readLab } from '../../src/spec/read.ts';
import { keptGuests } from '../../src/steps/domain-file.ts';

/* A lab whose lab.yaml is edited between the runs, in one process, on a simulated dom0. */

export type Stack = 'pacemaker' | 'cman';

const rest: Readonly<Record<Stack, (shared: string) => string>> = {
  pacemaker: (shared) => `image: {size: 1G}\ndisks: {quorum: {size: 10M}, shared: {size: ${shared}}}\n`,
  cman: (shared) => `toolstack: xm
image: { size: 2G, install: { virtInstall: { location: http://ayanami.example/rhel6 } } }
disks: { quorum: { size: 10M }, shared: { size: ${shared} } }
cluster: { stack: cman, token: 21000 }
dom0Cluster: { name: londesktop, node: ayanami }
`,
};

export interface Run {
  readonly lab: Lab;
  readonly summary: SummaryEvent;
  /** Failed steps, with what they say. */
  readonly failed: readonly string[];
  /** All commands and files that were changed, as `step: command`. */
  readonly changes: readonly string[];
}

export interface ChangingLab {
  up(...guests: readonly string[]): Promise<Run>;
  down(...guests: readonly string[]): Promise<Run>;
  /** A file of a machine; undefined: there is none. */
  text(machine: string, path: string): string | undefined;
  sh(machine: string, line: string): Promise<{ code: number; stdout: string }>;
  state(): {
    running: Record<string, unknown>;
    gfs2: Record<string, { journals: number }>;
    journal: { text: string }[];
  };
}

/** @param shared size of the shared disk; mkfs.gfs2 of cman's day makes journals of 128 MiB */
export async function changingLab(stack: Stack, shared = stack === 'cman' ? '2400M' : '400M'): Promise<ChangingLab> {
  const directory = await mkdtemp(join(tmpdir(), 'lab-change-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await seedSimulated(directory, stack === 'cman' ? { era: 'red-hat', hostname: 'ayanami' } : {});
  const hostsOf = (lab: Lab) => {
    const { loginKey: key, knownHosts } = dom0Paths(lab);
    const guests = [...lab.guests, ...leavingOf(lab)];
    return new SimulatedHosts({ directory, guests, login: { key, knownHosts }, bootTime: 60 });
  };
  const read = async (names: readonly string[]) => {
    const text = `guests: {${names.map((name) => `${name}: {memory: 128M}`).join(', ')}}\n${rest[stack](shared)}`;
    const first = readLab(text, 'lab.yaml');
    return readLab(text, 'lab.yaml', await keptGuests(hostsOf(first).host('dom0'), first.name));
  };
  let last: Lab | undefined;
  const run = async (names: readonly string[], chapters: (lab: Lab) => readonly Chapter[]): Promise<Run> => {
    const lab = await read(names);
    last = lab;
    const events: StepEvent[] = [];
    const journal = new Journal(join(directory, 'journal.jsonl'), () => String(Date.now()));
    const summary = await up({
      lab: lab.name,
      where: 'simulated',
      chapters: chapters(lab),
      hosts: hostsOf(lab),
      journal,
      proofs: journal,
      emit: (event) => event.event === 'step' && events.push(event),
      slowness: async () => 1,
      pause: 10,
    });
    const failed = events.flatMap(({ id, failure }) =>
      failure ? [`${id}: ${failure.message} (${failure.hint})`] : [],
    );
    const changes = events.flatMap(({ id, changes }) =>
      changes.map(
        (one) => `${id}: ${one.is === 'command' ? one.argv.join(' ') : one.is === 'file' ? one.path : one.says}`,
      ),
    );
    return { lab, summary, failed, changes };
  };
  return {
    up: (...names) => run(names, (lab) => recipes(lab)),
    down: (...names) => run(names, (lab) => [down(lab)]),
    text(machine, path) {
      try {
        return readFileSync(join(directory, machine, path), 'utf8');
      } catch {
        return undefined;
      }
    },
    async sh(machine, line) {
      if (!last) throw new Error('nothing ran yet');
      return hostsOf(last)
        .host(machine)
        .run(line.split(' ') as [string, ...string[]]);
    },
    state: () => JSON.parse(readFileSync(join(directory, 'state.json'), 'utf8')),
  };
}
