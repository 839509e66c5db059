import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * One command at a time changes a world, also where several processes run on it (`lab ssh` takes no lock of the lab). A
 * command is over in milliseconds, so waiting is too. The mark of a process that was killed does not count.
 */
export function exclusively<T>(directory: string, work: () => T): T {
  const mark = join(directory, 'busy');
  while (!taken(mark)) {
    if (isDead(mark)) rmSync(mark, { force: true });
    else Atomics.wait(pause, 0, 0, 2);
  }
  try {
    return work();
  } finally {
    rmSync(mark, { force: true });
  }
}

function taken(mark: string): boolean {
  try {
    writeFileSync(mark, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Of a process that is gone, or older than any command. */
function isDead(mark: string): boolean {
  try {
    if (Date.now() - statSync(mark).mtimeMs > 10_000) return true;
    const pid = Number(readFileSync(mark, 'utf8'));
    if (pid > 0) process.kill(pid, 0); // 0: just made, not written yet
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
