import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compiled, keepCompiled } from './compiled.ts';

/** The last step of the build: runs what is run most, on a simulated dom0, so that V8 compiles it, and keeps what it made. */
async function makeCodeCache(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'lab-code-cache-'));
  process.env['XDG_STATE_HOME'] = process.env['XDG_CACHE_HOME'] = directory;
  process.chdir(directory);
  const { main } = compiled();
  const on = (name: string) => ['--host', `simulated:${join(directory, name)}`];
  const host = on('dom0');
  try {
    // By another process: what making a lab needs besides would only have to be loaded by those who make none.
    execFileSync(process.execPath, [join(__dirname, 'lab.js'), 'up', '--yes', ...host]);
    process.env['XDG_CACHE_HOME'] = join(directory, 'cache'); // lab.yaml is read anew
    for (const args of [['--help'], ['up', ...host], ['status', ...host], ['up', '--dry-run', ...on('fresh')]]) {
      const code = await main(['node', 'lab', ...args]);
      if (code !== 0) throw new Error(`lab ${args.join(' ')} ended with ${code}`);
    }
    // What reaches a real dom0, on a machine that has nothing but a shell: nothing is changed, and little found.
    const programs = (process.env['PATH'] = join(directory, 'bin'));
    mkdirSync(programs);
    symlinkSync('/bin/sh', join(programs, 'sh'));
    for (const args of [['status'], ['up', '--dry-run']]) await main(['node', 'lab', ...args, '--host', 'local']);
    keepCompiled();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

void makeCodeCache();
