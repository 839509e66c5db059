import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compiled, keepCompiled } from './compiled.ts';

/*
 * The last step of the build: runs what is run most, on a simulated dom0, so that V8 compiles it, and keeps what it made.
 */

const directory = mkdtempSync(join(tmpdir(), 'lab-code-cache-'));
process.env['XDG_STATE_HOME'] = directory;
process.chdir(directory);
const commands = compiled();
try {
  const host = `simulated:${join(directory, 'dom0')}`;
  for (const [name, options] of [
    ['up', { host, yes: true }],
    ['up', { host }],
    ['status', { host }],
  ] as const) {
    const code = await commands.run(name, [options]);
    if (code !== 0) throw new Error(`lab ${name} on a simulated dom0 ended with ${code}`);
  }
  keepCompiled();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
