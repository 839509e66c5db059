import { expect, test } from 'vitest';
import { readSnapshots } from '../../src/formats/qemu-snapshots.ts';
import { askMonitor } from '../../src/sandbox/monitor.ts';
import { monitor } from './qemu-monitor.ts';

test('silence is success', async () => {
  expect(await askMonitor((await monitor(() => '')).path, 'savevm clean')).toBe('');
});

test('an answer is what stands between the echo and the next prompt', async () => {
  const complaint = "Error: Snapshot 'none' does not exist in one or more devices";
  expect(await askMonitor((await monitor(() => `${complaint}\r\n`)).path, 'loadvm none')).toBe(complaint);
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
