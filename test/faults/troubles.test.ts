import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Trouble } from '../../src/hosts/simulated/trouble.ts';
import { freshDom0, labsInProcess, run } from './in-process.ts';
import { type FromNothing, world } from './kill-points.ts';

// A world in which something is wrong (docs/faults.md): the error names it; once it is put right, lab up goes on to the same world.

const cases: readonly (readonly [string, Trouble, string, RegExp])[] = [
  ['a guest that never boots', { guests: { molly: 'never-boots' } }, '6.boot-molly', /does not answer on the bridge/],
  [
    'a guest without network',
    { guests: { molly: 'no-network' } },
    '6.boot-molly',
    /does not answer on the bridge[^]*login:/,
  ],
  ['a guest that panics', { guests: { molly: 'panics' } }, '6.boot-molly', /Kernel panic - not syncing/],
  [
    'no memory for the next guest',
    { guests: { frederick: 'no-memory' } },
    '6.boot-frederick',
    /libxenlight failed to create new domain/,
  ],
  [
    'less memory than the guests need',
    { memory: 700 },
    '0.budget',
    /need 1024 MiB of memory, and Xen has 700 MiB free[^]*dom0_mem/,
  ],
  ['a read-only /etc', { readOnly: ['/etc'] }, '0.packages', /Read-only file system/],
  ['a read-only /guests', { readOnly: ['/guests'] }, '2.directory', /Read-only file system/],
];

/** The world, less what the console showed of a boot that went wrong: it is a log. */
function lasting(directory: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(world(directory)).filter(([path]) => !path.includes('/var/log/xen/console/')),
  );
}

const references = new Map<FromNothing, Promise<Readonly<Record<string, string>>>>();
function undisturbed(which: FromNothing) {
  const make = async () => {
    const { directory, gone } = await freshDom0(labsInProcess[which]);
    expect((await run(labsInProcess[which], directory)).failed).toEqual([]);
    const reference = lasting(directory);
    gone();
    return reference;
  };
  const known = references.get(which) ?? make();
  references.set(which, known);
  return known;
}

test.each(cases)('%s', { timeout: 600_000 }, async (_, trouble, step, says) => {
  const lab = labsInProcess.default;
  const reference = await undisturbed('default');
  const { directory, gone } = await freshDom0(lab);
  try {
    const path = join(directory, 'trouble.json');
    writeFileSync(path, JSON.stringify(trouble));
    const first = await run(lab, directory);
    const failure = first.failed.find(({ id }) => id === step)?.failure;
    expect(failure, JSON.stringify(first.failed)).toBeDefined();
    expect([failure?.message, failure?.hint, ...(failure?.detail ?? [])].join('\n')).toMatch(says);
    rmSync(path);
    const second = await run(lab, directory);
    expect(second.failed).toEqual([]);
    expect(lasting(directory)).toEqual(reference);
  } finally {
    gone();
  }
});
