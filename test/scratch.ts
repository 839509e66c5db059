import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * All temporary files of a run lie in one directory, which goes with it: a worker of vitest is killed, so what it would remove at its
 * end stays. The name is short, as a socket's path has at most 107 bytes.
 */
export default function scratch(): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'lab-'));
  process.env.TMPDIR = directory;
  return () => rmSync(directory, { recursive: true, force: true });
}
