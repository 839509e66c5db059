import { LabError } from '../model/errors.ts';
import type { Ran } from '../model/host.ts';

/**
 * MiB that Xen has left for guests: `free_memory` of `xl info` and `xm info`. NaN where there is no such program: chapter 0 says so.
 * @throws LabError if it is there, and does not tell
 */
export function freeMemoryIn({ argv, code, stdout, stderr }: Ran): number {
  const told = /^free_memory\s*:\s*(\d+)\s*$/m.exec(stdout)?.[1];
  if (told === undefined && code !== 127) {
    const why = code === 0 ? 'tells no free_memory' : `exit code ${code}: ${stderr.trim()}`;
    throw new LabError(`${argv.join(' ')}: ${why}`, 'try it by hand: is this the dom0, and do its Xen tools work?');
  }
  return Number(told);
}
