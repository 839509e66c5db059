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

/** The labs that are killed: the default one, and the document's. */
export const labs = {
  default: [],
  document: ['--file', resolve('examples/document.yaml')],
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

/** What dom0's own daemons and its package manager leave. */
const theirs = /^\/(var\/(log|lock)|var\/lib\/(dpkg|rpm)|lib\/systemd|etc\/libvirt)(\/|$)/;

const dom0 = (directory: string) =>
  Object.fromEntries(Object.entries(tree(join(directory, 'dom0'))).filter(([path]) => !theirs.test(path)));

/** A lab that is half built, or half destroyed, and then destroyed. @returns dom0 before, and after */
export async function destroyed(
  which: Which,
  { up, destroy = [] }: { up?: string; destroy?: readonly string[] },
): Promise<{ code: number | null; before: Readonly<Record<string, string>>; after: Readonly<Record<string, string>> }> {
  const cwd = mkdtempSync(join(tmpdir(), 'lab-fault-'));
  const at = ['--host', 'simulated:world'];
  try {
    await lab(['up', ...at, ...labs[which]], { cwd, LAB_FAULT: 'fail:9999' });
    // The package's own configuration comes with the packages, which stay: so the first destroy makes the dom0 to compare with.
    await lab(['destroy', '--name', 'lolcats', '--yes', ...at], { cwd });
    const before = dom0(join(cwd, 'world'));
    await lab(['up', ...at, ...labs[which]], { cwd, ...(up ? { LAB_FAULT: up } : {}) });
    for (const fault of destroy) await lab(['destroy', '--name', 'lolcats', '--yes', ...at], { cwd, LAB_FAULT: fault });
    const { code } = await lab(['destroy', '--name', 'lolcats', '--yes', ...at], { cwd });
    return { code, before, after: dom0(join(cwd, 'world')) };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}
