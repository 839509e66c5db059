import { existsSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lab, labThatIsUp, lines, scratch, start, tree } from './process.ts';

// A lab whose run is not the only one, or is broken off; and one that goes down, and goes.

test('a second run is kept out with 4 and told by whom; status and dry-run are not', async () => {
  const cwd = scratch();
  const first = start(['up', '--host', 'simulated:world'], { cwd });
  await new Promise<void>((resolve) => first.child.stdout.once('data', () => resolve()));
  const [second, status, plan] = await Promise.all([
    lab(['up', '--host', 'simulated:world'], { cwd }),
    lab(['status', '--host', 'simulated:world'], { cwd }),
    lab(['up', '--dry-run', '--host', 'simulated:world'], { cwd }),
  ]);
  expect(second.code).toBe(4);
  expect(second.stderr).toMatch(new RegExp(`another run holds the lab: .*pid ${first.child.pid}, since \\d{4}-`));
  expect(status.code).toBe(0);
  expect(plan.code).toBe(0);
  expect((await first.ended).code).toBe(0);
});

test('Ctrl-C ends with 130, and up goes on', async () => {
  const cwd = scratch();
  const { child, ended } = start(['up', '--host', 'simulated:world'], { cwd });
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  child.kill('SIGINT');
  const run = await ended;
  expect(run.code).toBe(130);
  const rest = await lab(['up', '--json', '--host', 'simulated:world'], { cwd });
  expect(lines(rest.stdout).at(-1)).toMatchObject({ failed: 0 });
});

test('a run that loses its lock ends what is under way, and begins nothing', async () => {
  const cwd = scratch();
  const { child, ended } = start(['up', '--json', '--host', 'simulated:world'], { cwd });
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ').map(Number);
  const holder = children.find(
    (pid) => existsSync(`/proc/${pid}/fd/9`) && readlinkSync(`/proc/${pid}/fd/9`).endsWith('.lock'),
  );
  process.kill(holder ?? Number.NaN, 'SIGKILL');
  const run = await ended;
  expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('the lock of the lab was lost: another run') });
  expect(lines(run.stdout).some(({ id, verdict }) => id === '6.boot-molly' && verdict === 'later')).toBe(true);
  const rest = await lab(['up', '--json', '--host', 'simulated:world'], { cwd });
  expect(lines(rest.stdout).at(-1)).toMatchObject({ failed: 0 });
});

test('ssh passes stdout and exit code through', async () => {
  const cwd = await labThatIsUp();
  const quorum = await lab(['ssh', 'molly', '--host', 'simulated:world', '--', 'corosync-quorumtool', '-s'], { cwd });
  expect(quorum).toMatchObject({ code: 0, stdout: expect.stringContaining('Quorate:          Yes') });
  const unknown = await lab(['ssh', 'molly', '--host', 'simulated:world', '--', 'nope'], { cwd });
  expect(unknown).toMatchObject({ code: 127 });
});

test('down, up again; destroy asks, and leaves what is not ours', async () => {
  const cwd = await labThatIsUp();
  const at = ['--host', 'simulated:world'];
  expect((await lab(['down', ...at], { cwd })).code).toBe(0);
  expect((await lab(['status', '--json', ...at], { cwd })).stdout).toContain('"domain":"shut off"');
  expect((await lab(['up', ...at], { cwd })).code).toBe(0);
  writeFileSync(join(cwd, 'world/dom0/guests/foreign.img'), 'mine');
  const asked = await lab(['destroy', ...at], { cwd });
  expect(asked.code).toBe(2);
  expect(asked.stderr).toContain('/guests/molly.img');
  // lab.yaml may be gone, and the journal: what is on dom0 is enough.
  rmSync(join(cwd, 'world/journal.jsonl'));
  writeFileSync(join(cwd, 'lab.yaml'), 'name: dogs\nguests: {rex: {}}\n');
  const other = await lab(['destroy', ...at], { cwd });
  expect(other.stderr).toContain('nothing of dogs is here; there are: lolcats (lab destroy --name lolcats)');
  expect((await lab(['destroy', '--name', 'lolcats', '--yes', ...at], { cwd })).code).toBe(0);
  const left = Object.keys(tree(join(cwd, 'world/dom0')));
  expect(left).toContain('/guests/foreign.img');
  expect(left).not.toContain('/run/cluster-lab');
  expect(
    left.filter((path) => !/^\/(run|var\/log)\//.test(path) && /molly|frederick|fence_xvm\.key|cluster-lab/.test(path)),
  ).toEqual([]);
});
