import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { lab, lines, tree } from '../cli/process.ts';

/** What is made of random bytes, or of them; told by its size alone. */
const random = /key|ed25519|_rsa|known_hosts|\.pub$|\.xml$|journal|state\.json|boot_id|\/run\//;

/** What happened, not what is: fenced writes down there whom it found late, where cman was started on one guest and not yet on the other. */
const history = /\/var\/log\/messages$/;

/** The world that a run left, without what differs from run to run by its nature. */
export function world(directory: string): Readonly<Record<string, string>> {
  const rows = Object.entries(tree(directory)).filter(([path]) => !history.test(path));
  return Object.fromEntries(rows.map(([path, what]) => [path, random.test(path) ? 'there' : what]));
}

const two = ['--file', resolve('test/faults/labs/two.yaml')];
const three = ['--file', resolve('test/faults/labs/three.yaml')];

/**
 * The labs that are killed: the default one, the document's, and one that is up and gets a guest, or loses one.
 * `before`: what is up, undisturbed, when it begins.
 */
export const labs: Readonly<Record<Which, { readonly before?: readonly string[]; readonly up: readonly string[] }>> = {
  default: { up: [] },
  document: { up: ['--file', resolve('examples/document.yaml')] },
  'quorum disk': { up: ['--file', resolve('test/faults/labs/quorum-disk.yaml')] },
  'document’s quorum disk': { up: ['--file', resolve('test/faults/labs/document-quorum-disk.yaml')] },
  adding: { before: two, up: three },
  removing: { before: three, up: [...two, '--yes'] },
};

export type Which = FromNothing | 'quorum disk' | 'document’s quorum disk' | 'adding' | 'removing';

/** Those that begin from nothing. */
export const fromNothing = ['default', 'document'] as const;
export type FromNothing = (typeof fromNothing)[number];

/** What is up when the run that is killed begins, made once for each. */
const models = new Map<Which, Promise<string>>();

/** A directory with a copy of it. */
async function beginning(which: Which): Promise<string> {
  const cwd = mkdtempSync(join(tmpdir(), 'lab-fault-'));
  const { before } = labs[which];
  if (!before) return cwd;
  const model = models.get(which) ?? made(before);
  models.set(which, model);
  await execa('cp', ['-a', '--sparse=always', `${await model}/.`, cwd]);
  return cwd;
}

async function made(up: readonly string[]): Promise<string> {
  const cwd = mkdtempSync(join(tmpdir(), 'lab-fault-model-'));
  const run = await lab(['up', '--host', 'simulated:world', ...up], { cwd });
  if (run.code !== 0) throw new Error(run.stderr + run.stdout);
  return cwd;
}

/** The world of an undisturbed run, and how many changes it took. */
export async function undisturbed(which: Which): Promise<{ world: Readonly<Record<string, string>>; changes: number }> {
  const cwd = await beginning(which);
  try {
    const run = await lab(['up', '--json', '--host', 'simulated:world', ...labs[which].up], {
      cwd,
      LAB_FAULT: 'fail:9999',
    });
    if (run.code !== 0) throw new Error(run.stderr + run.stdout);
    const changes = lines(run.stdout)
      // Trials make no changes.
      .filter(({ event, chapter, id }) => event === 'step' && chapter !== '8' && id !== '10.proof')
      .reduce((sum, line) => sum + line.changes.filter((change) => change.is !== 'wait').length, 0);
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
  const cwd = await beginning(which);
  try {
    const up = ['up', '--host', 'simulated:world', ...labs[which].up];
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
  which: FromNothing,
  { up, destroy = [] }: { up?: string; destroy?: readonly string[] },
): Promise<{ code: number | null; before: Readonly<Record<string, string>>; after: Readonly<Record<string, string>> }> {
  const cwd = mkdtempSync(join(tmpdir(), 'lab-fault-'));
  const at = ['--host', 'simulated:world'];
  try {
    await lab(['up', ...at, ...labs[which].up], { cwd, LAB_FAULT: 'fail:9999' });
    // The package's own configuration comes with the packages, which stay: so the first destroy makes the dom0 to compare with.
    await lab(['destroy', '--name', 'lolcats', '--yes', ...at], { cwd });
    const before = dom0(join(cwd, 'world'));
    await lab(['up', ...at, ...labs[which].up], { cwd, ...(up ? { LAB_FAULT: up } : {}) });
    for (const fault of destroy) await lab(['destroy', '--name', 'lolcats', '--yes', ...at], { cwd, LAB_FAULT: fault });
    const { code } = await lab(['destroy', '--name', 'lolcats', '--yes', ...at], { cwd });
    return { code, before, after: dom0(join(cwd, 'world')) };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}
