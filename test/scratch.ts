import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const memory = '/dev/shm';

/** Simulated worlds are thousands of small files, soon removed: ext4 then takes longer for a new inode than the test for its work. */
function roomInMemory(): boolean {
  try {
    const { bavail, bsize } = statfsSync(memory);
    return bavail * bsize > 2 ** 28;
  } catch {
    return false;
  }
}

/**
 * All temporary files of a run lie in one directory, which goes with it: a worker of vitest is killed, so what it would remove at its
 * end stays. The name is short, as a socket's path has at most 107 bytes.
 */
export default function scratch(): () => void {
  const directory = mkdtempSync(join(roomInMemory() ? memory : tmpdir(), 'lab-'));
  process.env.TMPDIR = directory;
  // Node reads them at each of its hundreds of starts, which then take half as long again; nothing here has use for them.
  delete process.env.NODE_EXTRA_CA_CERTS;
  return () => rmSync(directory, { recursive: true, force: true });
}
