import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { lab, lines, tree } from '../cli/process.ts';

/** What is made of random bytes, or of them; told by its size alone. */
const random = /key|ed25519|_rsa|known_hosts|\.pub$|\.xml$|journal|state\.json|\/run\//;

/** The world that a run left, without what differs from run to run by its nature. */
function world(directory: string): Readonly<Record<string, string>> {
  const rows = Object.entries(tree(directory));
  return Object.fromEntries(rows.map(([path, what]) => [path, random.test(path) ? 'there' : what]));
}

/** The labs that are killed: the default one, the document's, and both with a quorum disk. */
export const labs = {
  default: [],
  document: ['--file', resolve('examples/document.yaml')],
  'quorum disk': ['--file', resolve('test/faults/labs/quorum-disk.yaml')],
  'document’s quorum disk': ['--file', resolve('test/faults/labs/document-quorum-disk.yaml')],
} as const satisfies Record<string, readonly string[]>;

export type Which = keyof typeof labs;

/** The world of an undisturbed run, and how many changes it took. */
export async function undisturbed(which: Which): Promise<{ world: Readonly<Record<string, string>>; changes: number }> {
  const cwd = mkdtempSync(join(tmpdir(), 'lab-fault-'));
  try {
    const run = await lab(['up', '--json', '--host', 'simulated:world', ...labs[which]], {
      cwd,
      LAB_FAULT: 'fail:9999',
    });
    if (run.code !== 0) throw new Error(run.stderr + run.stdout);
    const changes = lines(run.stdout)
      // Trials make no changes.
      .filter(({ event, chapter, id }) => event === 'step' && chapter !== '8' && id !== '10.proof')
      .reduce((sum, line) => sum + line.changes.length, 0);
    return { world: world(join(cwd, 'world')), changes };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

/** A run that goes wrong at the N-th change, then a run that is left alone. @returns what the two came to */
export async function disturbed(
  which: Which,
  fault: string,
): Promise<{ first: number | string | null; second: number | null; world: Readonly<Record<string, string>> }> {
  const cwd = mkdtempSync(join(tmpdir(), 'lab-fault-'));
  try {
    const up = ['up', '--host', 'simulated:world', ...labs[which]];
    const first = await lab(up, { cwd, LAB_FAULT: fault });
    const second = await lab(up, { cwd });
    return { first: first.signal ?? first.code, second: second.code, world: world(join(cwd, 'world')) };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}
