import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { Journal } from '../../src/engine/journal.ts';
import type { RunOptions } from '../../src/engine/run-options.ts';
import type { Event, StepEvent } from '../../src/model/event.ts';
import type { FileReader, Host, Hosts } from '../../src/model/host.ts';
import type { Node, Step } from '../../src/model/step.ts';

/* The engine's own tests: steps over a world that is a map of files. */

const directory = mkdtempSync(join(tmpdir(), 'lab-engine-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let journals = 0;

/** A host that is a map of files. Everything else it does not know. */
function mapHost(files: Map<string, string>, writes: string[]): Host {
  const no = async () => {
    throw new Error('not in this test');
  };
  const reader: FileReader = {
    readFile: async (path) => (files.has(path) ? Buffer.from(files.get(path) as string) : undefined),
    stat: async (path) =>
      files.has(path) ? { kind: 'file', size: 0, allocated: 0, mode: 0o644, uid: 0, modified: 0 } : undefined,
    digest: no,
  };
  return {
    name: 'dom0',
    ...reader,
    read: no,
    list: no,
    run: no,
    disk: () => reader,
    async writeFile(path, bytes) {
      writes.push(path);
      files.set(path, Buffer.from(bytes).toString());
    },
  };
}

/** A run over the steps, on a world of files. */
export function rig(nodes: readonly Node[], files = new Map<string, string>()) {
  const writes: string[] = [];
  const host = mapHost(files, writes);
  const steps: StepEvent[] = [];
  const no = async () => {
    throw new Error('not in this test');
  };
  const hosts: Hosts = {
    host: () => host,
    warm: () => {},
    forget: async () => {},
    lock: no,
    kill: () => {},
    argv: no,
    roundTrips: () => ({}),
    close: async () => {},
  };
  const journal = new Journal(join(directory, `${journals++}.jsonl`), () => 'run');
  const options: RunOptions = {
    lab: 'test',
    where: 'test',
    chapters: [{ id: '1', title: 'One', nodes }],
    hosts,
    journal,
    proofs: journal,
    slowness: async () => 1,
    pause: 1,
    emit: (event: Event) => {
      if (event.event === 'step') steps.push(event);
    },
  };
  return { options, files, writes, steps, journal };
}

export const step = (id: string, after: readonly Node[], check: Step['check'], more: Partial<Step> = {}): Step => ({
  kind: 'step',
  id,
  title: id,
  section: '',
  on: 'dom0',
  after,
  check,
  ...more,
});
