import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 } from 'uuid';
import { recipes } from '../../recipes/index.ts';
import { simulatedDom0 } from '../../src/cli/context.ts';
import { readFault } from '../../src/engine/fault.ts';
import { faulty } from '../../src/engine/faulty.ts';
import { Journal } from '../../src/engine/journal.ts';
import { up } from '../../src/engine/up.ts';
import { SimulatedHosts, seedSimulated } from '../../src/hosts/simulated/index.ts';
import type { Event, StepEvent } from '../../src/model/event.ts';
import type { Argv, Hosts } from '../../src/model/host.ts';
import type { Chapter } from '../../src/model/step.ts';
import type { Lab } from '../../src/spec/lab.ts';
import { dom0Paths } from '../../src/spec/paths.ts';
import { readLab } from '../../src/spec/read.ts';
import { type FromNothing, world } from './kill-points.ts';

/* Runs of a lab without a process for each, which is what costs: some hundred faults, two runs each. */

const small = '\nimage: {size: 1G}\ndisks: {quorum: {size: 10M}, shared: {size: 40M}}\n';

export const labsInProcess: Readonly<Record<FromNothing, Lab>> = {
  default: readLab(`guests: {molly: {}, frederick: {}}${small}`, 'the default lab'),
  document: readLab(readFileSync('examples/document.yaml', 'utf8'), 'examples/document.yaml'),
};

export interface Outcome {
  readonly changed: number;
  readonly failed: readonly StepEvent[];
  /** Commands that may change something, and looks, that the run made. */
  readonly commands: number;
  readonly looks: number;
  readonly ms: number;
}

/** A directory with a fresh simulated dom0 for a lab. `booted`: with what a boot leaves on its disk, such as ssh's host keys. */
export async function freshDom0(lab: Lab, booted = false): Promise<{ directory: string; gone(): void }> {
  const directory = mkdtempSync(join(tmpdir(), 'lab-fault-'));
  await seedSimulated(directory, simulatedDom0(lab));
  if (booted) hostsOf(lab, directory).reboot();
  return { directory, gone: () => rmSync(directory, { recursive: true, force: true }) };
}

/** `guests`: all that are on this dom0, if other labs have some too. */
export function hostsOf(lab: Lab, directory: string, guests = lab.guests): SimulatedHosts {
  const { loginKey: key, knownHosts } = dom0Paths(lab);
  return new SimulatedHosts({ directory, guests, login: { key, knownHosts }, bootTime: 20 });
}

/** One run. Waits have a hundredth of their limits: a simulated boot takes 20 ms. */
export async function run(
  lab: Lab,
  directory: string,
  {
    fault: text,
    chapters = recipes(lab),
    all = lab.guests,
  }: { fault?: string | undefined; chapters?: readonly Chapter[]; all?: Lab['guests'] } = {},
): Promise<Outcome> {
  for (const { nodes } of chapters)
    for (const node of nodes)
      if (node.kind === 'step' && node.settle)
        Object.assign(node, { settle: { ...node.settle, within: node.settle.within / 100 } });
  const counts = { commands: 0, looks: 0 };
  const fault = readFault(text);
  const plain = counted(hostsOf(lab, directory, all), counts);
  const hosts = fault ? faulty(plain, fault) : plain;
  const journal = new Journal(join(directory, `journal-${lab.name}.jsonl`), v7);
  await journal.compact();
  await journal.add({ is: 'run', command: 'lab up' });
  const failed: StepEvent[] = [];
  const began = performance.now();
  const summary = await up({
    lab: lab.name,
    where: 'simulated',
    chapters,
    hosts,
    journal,
    proofs: journal,
    slowness: async () => 1,
    pause: 1,
    fault,
    emit: (event: Event) => {
      if (event.event === 'step' && event.verdict === 'failed') failed.push(event);
    },
  });
  return { changed: summary.changed, failed, ...counts, ms: performance.now() - began };
}

/** Counts as faulty() does: by the hosts below it. */
function counted(hosts: Hosts, counts: { commands: number; looks: number }): Hosts {
  const count =
    <A extends unknown[], R>(what: keyof typeof counts, make: (...args: A) => R) =>
    (...args: A) => {
      counts[what]++;
      return make(...args);
    };
  return {
    ...(hosts.reboot ? { reboot: () => hosts.reboot?.() } : {}),
    host(name) {
      const host = hosts.host(name);
      return {
        name,
        run: count('commands', (argv: Argv, options) => host.run(argv, options)),
        writeFile: count('commands', (path, bytes, mode, midway) => host.writeFile(path, bytes, mode, midway)),
        read: count('looks', (argv: Argv) => host.read(argv)),
        list: count('looks', (path: string) => host.list(path)),
        readFile: count('looks', (path: string) => host.readFile(path)),
        stat: count('looks', (path: string) => host.stat(path)),
        digest: count('looks', (path: string) => host.digest(path)),
        disk: (image) => {
          const disk = host.disk(image);
          return {
            readFile: count('looks', (path: string) => disk.readFile(path)),
            stat: count('looks', (path: string) => disk.stat(path)),
            digest: count('looks', (path: string) => disk.digest(path)),
          };
        },
      };
    },
    warm: (name) => hosts.warm(name),
    forget: (name) => hosts.forget(name),
    lock: (name, path, who, onWait) => hosts.lock(name, path, who, onWait),
    kill: () => hosts.kill(),
    argv: (name, argv, tty) => hosts.argv(name, argv, tty),
    roundTrips: () => hosts.roundTrips(),
    close: () => hosts.close(),
  };
}

/** A run with a fault, then one without. */
export async function struck(which: FromNothing, fault: string) {
  const lab = labsInProcess[which];
  const { directory, gone } = await freshDom0(lab, fault.startsWith('reboot'));
  try {
    const first = await run(lab, directory, { fault });
    const between = world(directory);
    const second = await run(lab, directory);
    return { first, between, second, world: world(directory) };
  } finally {
    gone();
  }
}
