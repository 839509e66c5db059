import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { onTestFinished, vi } from 'vitest';
import { recipes } from '../../recipes/index.ts';
import { Journal } from '../../src/engine/journal.ts';
import { up } from '../../src/engine/up.ts';
import { SimulatedHosts, seedSimulated } from '../../src/hosts/simulated/index.ts';
import type { Event, StepEvent, SummaryEvent } from '../../src/model/event.ts';
import type { Argv } from '../../src/model/host.ts';
import type { Look } from '../../src/model/step.ts';
import type { Lab } from '../../src/spec/lab.ts';
import { dom0Paths } from '../../src/spec/paths.ts';
import { readLab } from '../../src/spec/read.ts';

export const lab: Lab = readLab(
  'guests: {molly: {}, frederick: {}}\nimage: {size: 1G}\ndisks: {quorum: {size: 10M}, shared: {size: 40M}}',
  'the lab of the tests',
);

/** A lab with its quorum disk as the tie breaker. */
export function withQuorumDisk(plain: Lab): Lab {
  const tieBreaker = plain.disks.find(({ name }) => name === 'quorum');
  return { ...plain, cluster: { ...plain.cluster, ...(tieBreaker && { tieBreaker }) } };
}

/** What a step may look at in a world. */
export const lookAt = (hosts: SimulatedHosts, host: string): Look => ({
  host: hosts.host(host),
  on: (name) => hosts.host(name),
  get: async () => {
    throw new Error('not in this test');
  },
});

/** A world for a test; gone after it. */
export interface TestWorld {
  readonly directory: string;
  readonly hosts: SimulatedHosts;
  /** Where a file of a machine is. */
  at(machine: string, path: string): string;
  /** Runs a command line without quotes on a machine. */
  sh(machine: string, line: string, input?: string): Promise<{ code: number; stdout: string; stderr: string }>;
  /** @param only chapters, as with --only */
  up(...only: readonly string[]): Promise<{ summary: SummaryEvent; failed: readonly StepEvent[] }>;
}

export function openWorld(directory: string, bootTime = 40, wanted = lab): TestWorld {
  const { loginKey: key, knownHosts } = dom0Paths(wanted);
  const hosts = new SimulatedHosts({ directory, guests: wanted.guests, login: { key, knownHosts }, bootTime });
  return {
    directory,
    hosts,
    at: (machine, path) => join(directory, machine, path),
    async sh(machine, line, input) {
      const { code, stdout, stderr } = await hosts
        .host(machine)
        .run(line.split(' ') as [string] & Argv, input === undefined ? {} : { input });
      return { code, stdout, stderr };
    },
    async up(...only) {
      const failed: StepEvent[] = [];
      const emit = (event: Event) => {
        if (event.event === 'step' && event.verdict === 'failed') failed.push(event);
      };
      const journal = new Journal(join(directory, 'journal.jsonl'), () => String(Date.now()));
      const slowness = async () => 1;
      const options = {
        lab: wanted.name,
        where: 'simulated',
        chapters: recipes(wanted).filter(({ id }) => only.length === 0 || only.includes(id)),
        hosts,
        journal,
        proofs: journal,
      };
      return { summary: await up({ ...options, emit, slowness }), failed };
    },
  };
}

async function directoryForATest(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lab-world-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A fresh dom0. */
export async function freshWorld(wanted = lab): Promise<TestWorld> {
  const directory = await directoryForATest();
  await seedSimulated(directory);
  return openWorld(directory, 40, wanted);
}

/** A lab that is up, made once. */
let model: Promise<string> | undefined;

async function makeModel(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lab-model-'));
  await seedSimulated(directory);
  const { summary, failed } = await openWorld(directory).up();
  if (summary.failed > 0) throw new Error(failed.map(({ id, failure }) => `${id}: ${failure?.message}`).join('\n'));
  return directory;
}

/** A copy of a lab that is up. */
export async function labThatIsUp(): Promise<TestWorld> {
  model ??= makeModel();
  const directory = await directoryForATest();
  await execa('cp', ['-a', '--sparse=always', `${await model}/.`, directory]);
  return openWorld(directory);
}

/** Long enough for whatever takes a part of the boot time. */
export const aMoment = () => new Promise((resolve) => setTimeout(resolve, 80));

/** The clock stands, for a moment that a busy machine would miss. @returns what lets it go on */
export function clockStands(): () => void {
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now());
  onTestFinished(() => clock.mockRestore());
  return () => clock.mockRestore();
}

/** The fencer of a guest gave up asking the CIB manager when it started, as it does on a guest that is too slow (measured). */
export async function loseFencer(world: TestWorld, guest: string): Promise<void> {
  const path = world.at('', 'state.json');
  const state = JSON.parse(readFileSync(path, 'utf8'));
  const text = 'Could not connect to the CIB manager: Transport endpoint is not connected (-107)';
  const from = 'pacemaker-fenced[901]';
  state.journal.push({ ...state.journal.at(-1), n: ++state.lastEntry, host: guest, unit: 'pacemaker', from, text });
  writeFileSync(path, JSON.stringify(state));
}
