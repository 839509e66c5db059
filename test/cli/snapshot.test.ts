import { expect, test } from 'vitest';
import { lab, scratch } from './process.ts';

test('a dom0 that is no sandbox cannot be saved, and says what to do instead', async () => {
  const run = await lab(['snapshot', 'save', 'clean', '--host', 'simulated:world'], { cwd: scratch() });
  expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining('found a dom0 that is not a sandbox') });
  expect(run.stderr).toContain('lab down, and then copy the disks');
});

test('a command that is refused after dom0 was looked at ends: no connection keeps it', async () => {
  const run = await lab(['up', '--only', '99', '--host', 'local'], { cwd: scratch() });
  expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining('found "99", expected a chapter') });
});

test('names that QEMU would take for something else are refused', async () => {
  const cwd = scratch();
  for (const name of ['1', '-f', 'a b', '$(reboot)'])
    expect(await lab(['snapshot', 'restore', '--yes', '--host', 'sandbox', '--', name], { cwd })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('expected a letter'),
    });
});
