import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readSnapshots } from '../../src/formats/qemu-snapshots.ts';
import { askMonitor } from '../../src/sandbox/monitor.ts';

/** QEMU 7.2's monitor, as it was heard on its socket: each key is echoed with the codes that draw the line anew. */
async function monitor(answer: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'lab-monitor-'));
  const path = join(directory, 'sock');
  const server = createServer((connection) => {
    connection.on('error', () => {});
    connection.write("QEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) ");
    connection.on('data', (typed) => {
      const line = typed.toString().trimEnd();
      for (let n = 1; n <= line.length; n++) connection.write(`${line.slice(0, n)}\u001b[K${'\u001b[D'.repeat(n)}`);
      connection.write(`\r\n${answer}(qemu) `);
    });
  });
  await new Promise<void>((listening) => server.listen(path, listening));
  onTestFinished(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });
  return path;
}

test('silence is success', async () => {
  expect(await askMonitor(await monitor(''), 'savevm clean')).toBe('');
});

test('an answer is what stands between the echo and the next prompt', async () => {
  const complaint = "Error: Snapshot 'none' does not exist in one or more devices";
  expect(await askMonitor(await monitor(`${complaint}\r\n`), 'loadvm none')).toBe(complaint);
});

test('a socket that nobody serves is an error that names it', async () => {
  await expect(askMonitor('/nowhere/monitor.sock', 'info status')).rejects.toMatchObject({
    message: expect.stringContaining('info status: connect ENOENT /nowhere/monitor.sock'),
    hint: expect.stringContaining('/nowhere/monitor.sock'),
  });
});

test('what was saved, as the monitor and qemu-img list it', () => {
  const rows = [
    'ID        TAG               VM SIZE                DATE     VM CLOCK     ICOUNT',
    '--        clean            1.02 GiB 2026-11-23 02:45:01 00:31:41.123           ',
    '1         before-split      408 MiB 2026-11-23 02:50:59 00:37:12.001           ',
  ];
  expect(readSnapshots(`List of snapshots present on all disks:\r\n${rows.join('\r\n')}\r\n`)).toEqual([
    { name: 'clean', size: '1.02 GiB', at: '2026-11-23 02:45:01' },
    { name: 'before-split', size: '408 MiB', at: '2026-11-23 02:50:59' },
  ]);
  expect(readSnapshots('There is no snapshot available.')).toEqual([]);
});
