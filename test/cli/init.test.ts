import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeEach, expect, it } from 'vitest';
import { type InitIo, init, judged } from '../../src/cli/commands/init.ts';
import { schema } from '../../src/cli/commands/schema.ts';
import { BadInput, Interrupted } from '../../src/model/errors.ts';
import { readLab } from '../../src/spec/read.ts';
import { DEFAULT_ANSWERS, labYaml } from '../../src/spec/template.ts';
import { collector } from './screen.ts';

let file: string;

beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'lab-init-')), 'lab.yaml');
});

/** A terminal that answers: each answer is typed when the question is seen. */
function answering(answers: readonly (readonly [question: string, ...typed: string[]])[], isTTY = true) {
  const stdin = Object.assign(new PassThrough(), { isTTY });
  let seen = '';
  const todo = answers.map(([question, ...typed]) => ({ question, typed: [...typed] }));
  const stdout = Object.assign(new PassThrough(), { isTTY, columns: 100 });
  // As process.stdout, it stays open when a question is over.
  stdout.end = () => stdout;
  stdout.on('data', (data: Buffer) => {
    seen += data;
    const next = todo[0];
    if (!next || !seen.includes(next.question)) return;
    const text = next.typed.shift();
    if (text === undefined) return;
    if (next.typed.length === 0) todo.shift();
    setTimeout(() => stdin.write(text), 50);
  });
  return { io: { stdin, stdout } as unknown as InitIo, seen: () => seen };
}

it('writes the document’s lab without asking for --yes', async () => {
  const { io } = answering([], false);
  await init({ yes: true, file }, io);
  expect(readFileSync(file, 'utf8')).toBe(labYaml(DEFAULT_ANSWERS));
});

it('never asks without a terminal', async () => {
  const { io } = answering([], false);
  await expect(init({ file }, io)).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining('--yes') });
  expect(readdirSync(join(file, '..'))).toEqual([]);
});

it('never overwrites, and does not ask in vain', async () => {
  writeFileSync(file, 'mine');
  const { io, seen } = answering([]);
  for (const yes of [true, false]) await expect(init({ yes, file }, io)).rejects.toBeInstanceOf(BadInput);
  expect(readFileSync(file, 'utf8')).toBe('mine');
  expect(seen()).toBe('');
});

it('writes what was answered; a wrong answer is told at once and can be mended', async () => {
  const { io, seen } = answering([
    ['Name of the cluster', 'dogs\r'],
    ['Guests:', 'rex, Bad_Name\r'],
    ['a host name', `${'\x7f'.repeat(8)}lassie\r`],
    ['Memory', '1G\r'],
    ['Where', 'ssh://root@ayanami\r'],
    ['Subnet', '\r'],
  ]);
  await init({ file }, io);
  const lab = readLab(readFileSync(file, 'utf8'), file);
  expect(lab).toMatchObject({ name: 'dogs', host: 'ssh://root@ayanami', network: { subnet: '192.168.77.0/24' } });
  expect(lab.guests.map(({ name, memoryMiB }) => [name, memoryMiB])).toEqual([
    ['rex', 1024],
    ['lassie', 1024],
  ]);
  expect(seen()).toContain('Bad_Name');
});

it('leaves nothing behind when it is interrupted', async () => {
  const { io } = answering([
    ['Name of the cluster', 'dogs\r'],
    ['Guests:', '\x03'],
  ]);
  await expect(init({ file }, io)).rejects.toBeInstanceOf(Interrupted);
  expect(readdirSync(join(file, '..'))).toEqual([]);
});

it('judges answers by the rules of lab.yaml, together', () => {
  expect(judged(DEFAULT_ANSWERS)).toBe(true);
  expect(judged({ ...DEFAULT_ANSWERS, memory: '1' })).toMatch(/^guests\.molly\.memory: found "1", expected a size/);
  expect(judged({ ...DEFAULT_ANSWERS, guests: ['lolcats'] })).toMatch(/^name: found "lolcats", expected a name/);
  expect(judged({ ...DEFAULT_ANSWERS, guests: ['rex', 'rex'] })).toMatch(/"rex" a second time/);
  expect(judged({ ...DEFAULT_ANSWERS, subnet: '10.0.0.0/30' })).toMatch(/room for/);
});

it('prints the JSON Schema', () => {
  const stdout = collector();
  schema(stdout);
  expect(JSON.parse(stdout.text())).toMatchObject({ title: 'lab.yaml', type: 'object' });
});
