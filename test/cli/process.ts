import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { onTestFinished } from 'vitest';

/* The built command line as a process, on a simulated dom0 of its own. `npm test` builds first. */

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Line {
  readonly event: string;
  readonly id: string;
  readonly chapter: string;
  readonly host: string;
  readonly verdict: string;
  readonly ms: number;
  readonly changes: readonly Record<string, unknown>[];
}

/** A directory for a test; gone after it. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lab-cli-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The environment of a test: what lab keeps for a user is below `cwd`, so that no test sees a lab of whoever runs it. */
export function environmentIn(cwd: string): NodeJS.ProcessEnv {
  return { ...process.env, XDG_STATE_HOME: join(cwd, 'state'), XDG_CACHE_HOME: join(cwd, 'cache') };
}

/** Starts lab in a directory, which the test has for itself; further variables beside it. */
export function start(args: readonly string[], { cwd, ...more }: NodeJS.ProcessEnv & { cwd: string }) {
  const env = { ...environmentIn(cwd), ...more };
  const child = spawn(process.execPath, [resolve('dist/lab.js'), ...args], { cwd, env });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((done) => {
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

export function lab(args: readonly string[], more: NodeJS.ProcessEnv & { cwd: string }): Promise<Ended> {
  const { child, ended } = start(args, more);
  child.stdin.end();
  return ended;
}

/** The default lab, up; made once. */
let model: Promise<string> | undefined;

async function makeModel(): Promise<string> {
  const cwd = mkdtempSync(join(tmpdir(), 'lab-cli-model-'));
  const run = await lab(['up', '--host', 'simulated:world'], { cwd });
  if (run.code !== 0) throw new Error(run.stderr + run.stdout);
  return cwd;
}

/** Copies a lab that is up, in `simulated:world`, into a directory. */
export async function copyLabThatIsUp(cwd: string): Promise<void> {
  model ??= makeModel();
  await execa('cp', ['-a', '--sparse=always', `${await model}/.`, cwd]);
}

/** A directory for a test with a copy of a lab that is up; gone after it. */
export async function labThatIsUp(): Promise<string> {
  const cwd = scratch();
  await copyLabThatIsUp(cwd);
  return cwd;
}

export function lines(text: string): readonly Line[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Every file of a tree: kind, mode, content. */
export function tree(directory: string): Readonly<Record<string, string>> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true });
  const rows = names.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const stat = lstatSync(path);
    const mode = (stat.mode & 0o7777).toString(8);
    // Sparse images are gigabytes of nothing: what is in them is in a tree of its own.
    const content = stat.isSymbolicLink()
      ? readlinkSync(path)
      : !stat.isFile()
        ? ''
        : stat.size > 1e6
          ? `${stat.size} bytes`
          : digest(path);
    return [path.slice(directory.length), `${mode} ${content}`] as const;
  });
  return Object.fromEntries(rows.sort(([a], [b]) => a.localeCompare(b)));
}

function digest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
