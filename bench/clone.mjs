// The clone of a guest's disk: a tenth of it data, the rest never written. What lab runs, against what people run.
import { Buffer } from 'node:buffer';
import { openSync, rmSync, truncateSync, writeSync, closeSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import { has, inTurn, row, run, sh, within } from './measure.mjs';

/** @param mebibytes of data, in an image of ten times that; @param on a directory on the file system to be measured */
export function clone({ runs, mebibytes, on }) {
  return within(async (directory) => {
    const [from, to] = [join(directory, 'default.img'), join(directory, 'molly.img')];
    const bytes = Buffer.alloc(1024 ** 2);
    const image = openSync(from, 'w');
    // In pieces, as a file system leaves them.
    for (let n = 0; n < mebibytes; n++) writeSync(image, randomFillSync(bytes), 0, bytes.length, n * 10 * bytes.length);
    closeSync(image);
    truncateSync(from, mebibytes * 10 * 1024 ** 2);
    const commands = {
      cp: ['cp', from, to],
      'what lab runs': ['cp', '--reflink=auto', '--sparse=always', from, to],
      'cp --sparse=always': ['cp', '--sparse=always', from, to],
      ...(reflinks(from, to) ? { 'cp --reflink=always': ['cp', '--reflink=always', from, to] } : {}),
      'dd bs=1M': ['dd', 'bs=1M', `if=${from}`, `of=${to}`],
    };
    const tasks = Object.entries(commands).map(([name, command]) => [
      name,
      async () => {
        rmSync(to, { force: true });
        return run(command);
      },
    ]);
    const results = await inTurn(Object.fromEntries(tasks), runs);
    const bench = `clone, ${mebibytes} MiB of ${mebibytes * 10}`;
    return tasks.map(([name]) =>
      row(bench, name, results, name === 'cp' ? undefined : 'cp', name === 'what lab runs' ? '≤ 1.1' : ''),
    );
  }, on);
}

function reflinks(from, to) {
  if (!has('cp')) return false;
  try {
    sh('cp', '--reflink=always', from, to);
    return true;
  } catch {
    return false; // the file system cannot
  }
}
