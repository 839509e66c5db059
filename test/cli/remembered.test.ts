import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lab, scratch } from './process.ts';

/* What was read of a lab.yaml is kept for the next command, and nothing depends on it. */

const text = 'name: dogs\nguests: {rex: {}, lassie: {}}\n';
const kept = (cwd: string) => join(cwd, 'cache', 'lab', 'read');

/** A directory with a lab.yaml, and its `lab status`. */
function begin(written = text) {
  const cwd = scratch();
  const write = (what: string) => writeFileSync(join(cwd, 'lab.yaml'), what);
  write(written);
  const status = (world = 'world') => lab(['status', '--host', `simulated:${join(cwd, world)}`], { cwd });
  return { cwd, write, status };
}

test('is not read again, as long as it is the same', async () => {
  const { cwd, write, status } = begin();
  const first = await status();
  expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('dogs on simulated:') });
  const [name, ...others] = readdirSync(kept(cwd));
  expect(others).toEqual([]);
  const path = join(kept(cwd), `${name}`);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  // That another name is told shows that YAML was not read.
  writeFileSync(path, readFileSync(path, 'utf8').replace('"dogs"', '"cats"'));
  expect((await status()).stdout).toBe(first.stdout.replace('dogs', 'cats'));
  write(`${text}# another text\n`);
  expect((await status()).stdout).toBe(first.stdout);
});

test('is read again if what was kept is damaged, or cannot be kept', async () => {
  const { cwd, status } = begin();
  const first = await status();
  const path = join(kept(cwd), `${readdirSync(kept(cwd))[0]}`);
  for (const damaged of ['', '{"name": "do']) {
    writeFileSync(path, damaged);
    expect(await status()).toEqual(first);
  }
  rmSync(join(cwd, 'cache'), { recursive: true });
  writeFileSync(join(cwd, 'cache'), 'no directory');
  expect(await status()).toEqual(first);
});

test('is read if it is long, too: memory is saved then', async () => {
  const { status } = begin(`${text}${'# a comment\n'.repeat(1000)}`);
  for (let n = 0; n < 2; n++)
    expect(await status()).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('dogs on simulated:'),
      stderr: '',
    });
});

test('is complained about with its place, also where it was good before', async () => {
  const { cwd, write, status } = begin('guests: {molly: {}, frederick: {}}\n');
  const up = await lab(['up', '--yes', '--host', `simulated:${join(cwd, 'world')}`], { cwd });
  expect(up.code).toBe(0);
  write('guests:\n  molly: {}\n  frederick: {}\n  rex: { address: 192.168.77.11 }\n');
  expect((await status('elsewhere')).code).toBe(0);
  const { code, stderr } = await status();
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^lab: lab\.yaml:\d+:\d+: guests\..*192\.168\.77\.11/)]);
});

test('is not kept if it is bad, and of many only the last', async () => {
  const { cwd, write, status } = begin('guests: {molly: {memory: 10}}\n');
  expect((await status()).code).toBe(2);
  mkdirSync(kept(cwd), { recursive: true });
  expect(readdirSync(kept(cwd))).toEqual([]);
  for (let n = 0; n < 20; n++) writeFileSync(join(kept(cwd), `${n}`), '');
  write(text);
  expect((await status()).code).toBe(0);
  const left = readdirSync(kept(cwd));
  expect([left.length, left.filter((name) => name.endsWith('.json')).length]).toEqual([16, 1]);
});
