import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compiled, keepCompiled, sets } from './compiled.ts';

/*
 * The last step of the build: runs what is run most, on a simulated dom0, so that V8 compiles it, and keeps what it made. Each set of
 * commands by a process of its own, and by another the lab itself: what making one needs besides would only have to be loaded by those
 * who make none.
 */

function makeCodeCache(): void {
  const directory = mkdtempSync(join(tmpdir(), 'lab-code-cache-'));
  const run = (...args: readonly string[]) =>
    execFileSync(process.execPath, args, {
      cwd: directory,
      stdio: 'pipe',
      env: { ...process.env, XDG_STATE_HOME: directory, XDG_CACHE_HOME: directory },
    });
  try {
    run(join(__dirname, 'lab.js'), 'up', '--yes', ...on(directory, 'dom0'));
    for (const set of sets) run(__filename, set, directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const on = (directory: string, name: string) => ['--host', `simulated:${join(directory, name)}`];

async function runAll(set: string, directory: string): Promise<void> {
  const { main } = compiled();
  const must = async (...args: readonly string[]) => {
    const code = await main(['node', 'lab', ...args]);
    if (code !== 0) throw new Error(`lab ${args.join(' ')} ended with ${code}`);
  };
  const host = on(directory, 'dom0');
  if (set === 'status') await must('status', ...host);
  else {
    process.env['XDG_CACHE_HOME'] = join(directory, 'cache'); // lab.yaml is read anew
    await must('--help');
    await must('up', ...host);
    await must('status', ...host);
    await must('up', '--dry-run', ...on(directory, 'fresh'));
  }
  // What reaches a real dom0, on a machine that has nothing but a shell: nothing is changed, and little found.
  const programs = (process.env['PATH'] = join(directory, 'bin'));
  mkdirSync(programs, { recursive: true });
  rmSync(join(programs, 'sh'), { force: true });
  symlinkSync('/bin/sh', join(programs, 'sh'));
  await main(['node', 'lab', 'status', '--host', 'local']);
  if (set !== 'status') await main(['node', 'lab', 'up', '--dry-run', '--host', 'local']);
  keepCompiled(set);
}

const [, , set, directory = ''] = process.argv;
if (set === undefined) makeCodeCache();
else void runAll(set, directory);
