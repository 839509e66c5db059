import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { destroy } from '../../recipes/destroy.ts';
import { down } from '../../recipes/down.ts';
import { tree } from '../cli/process.ts';
import { freshDom0, labsInProcess, run } from './in-process.ts';

// 50 × (up, down, up) and 20 × (up, destroy): nothing grows. LAB_ROUNDS: fewer, for a first look.

const rounds = Number(process.env.LAB_ROUNDS ?? 50);
const lab = labsInProcess.default;

/** What could grow: files of dom0 and of the guests, loop devices, the pinned keys, the world's own state, the journal, memory, handles. */
function size(directory: string) {
  globalThis.gc?.();
  const state = JSON.parse(readFileSync(join(directory, 'state.json'), 'utf8'));
  return {
    files: Object.keys(tree(directory)).length,
    loops: state.loops.length,
    domains: Object.keys(state.running).length,
    services: Object.keys(state.machines.dom0.services).length,
    temporary: readdirSync(directory).filter((name) => name.endsWith('.tmp')).length,
    handles: process.getActiveResourcesInfo().filter((what) => /TCP|Pipe|Process|FS/.test(what)).length,
  };
}

const bytes = (directory: string, path: string) => statSync(join(directory, path)).size;

test(`${rounds} × (up, down, up)`, { timeout: 14_400_000 }, async () => {
  const { directory, gone } = await freshDom0(lab);
  try {
    expect((await run(lab, directory)).failed).toEqual([]);
    const first = size(directory);
    const known = bytes(directory, 'dom0/var/lib/cluster-lab/lolcats/known_hosts');
    let heap = 0;
    for (let n = 0; n < rounds; n++) {
      expect((await run(lab, directory, { chapters: [down(lab)] })).failed).toEqual([]);
      expect((await run(lab, directory)).failed).toEqual([]);
      const again = await run(lab, directory);
      expect([again.failed, again.changed]).toEqual([[], 0]);
      if (n === 1) heap = process.memoryUsage().heapUsed;
    }
    expect(size(directory)).toEqual(first);
    expect(bytes(directory, 'dom0/var/lib/cluster-lab/lolcats/known_hosts')).toBe(known);
    // A run tells some forty entries; more than a thousand, and the next run leaves out the old ones.
    const journal = readFileSync(join(directory, 'journal-lolcats.jsonl'), 'utf8').trim().split('\n').length;
    expect(journal).toBeLessThan(1200);
    expect(process.memoryUsage().heapUsed - heap).toBeLessThan(100 * 1024 ** 2);
  } finally {
    gone();
  }
});

test(`${Math.ceil(rounds * 0.4)} × (up, destroy)`, { timeout: 14_400_000 }, async () => {
  const { directory, gone } = await freshDom0(lab);
  try {
    let first: ReturnType<typeof size> | undefined;
    for (let n = 0; n < Math.ceil(rounds * 0.4); n++) {
      expect((await run(lab, directory)).failed).toEqual([]);
      expect((await run(lab, directory, { chapters: [destroy(lab)] })).failed).toEqual([]);
      // The first leaves the packages behind.
      first ??= size(directory);
      expect(size(directory)).toEqual(first);
      expect(size(directory)).toMatchObject({ loops: 0, domains: 0 });
    }
  } finally {
    gone();
  }
});
