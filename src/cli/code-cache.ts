import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compiled, keepCompiled } from './compiled.ts';

/** The last step of the build: runs what is run most, on a simulated dom0, so that V8 compiles it, and keeps what it made. */
async function makeCodeCache(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'lab-code-cache-'));
  process.env['XDG_STATE_HOME'] = process.env['XDG_CACHE_HOME'] = directory;
  process.chdir(directory);
  const { main } = compiled();
  const host = ['--host', `simulated:${join(directory, 'dom0')}`];
  try {
    for (const args of [['--help'], ['up', '--yes', ...host], ['up', ...host], ['status', ...host]]) {
      const code = await main(['node', 'lab', ...args]);
      if (code !== 0) throw new Error(`lab ${args.join(' ')} ended with ${code}`);
    }
    // What begins with a real dom0, on a machine that has not even a shell: nothing is run.
    process.env['PATH'] = directory;
    await main(['node', 'lab', 'status', '--host', 'local']);
    keepCompiled();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

void makeCodeCache();
