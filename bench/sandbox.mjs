// From an empty machine to a passed fencing test, in the sandbox: lab, against the same commands in order, one after the other.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import process from 'node:process';
import { URL } from 'node:url';
import { inTurn, row } from './measure.mjs';

const lab = new URL('../dist/lab.js', import.meta.url).pathname;
const guests = ['molly', 'frederick'];
/** Beyond the last change: nothing goes wrong, and one thing is done at a time (docs/faults.md). */
const inOrder = { LAB_FAULT: 'fail:99999' };

/** What is there when it begins, the goal, and what of the cache is taken away for that. */
const beginnings = [
  { from: 'a saved dom0', goal: '≤ 120 s', without: [] },
  { from: 'the images', goal: '≤ 210 s', without: [/^saved-/] },
  { from: 'nothing', goal: '≤ 360 s', without: [/./] },
];

/** Each run takes minutes: `--from=saved` picks one beginning. @returns rows */
export async function sandbox({ directory, runs, from = '' }) {
  const cache = join(directory, 'cache');
  mkdirSync(cache);
  await toFencing(directory, cache); // fills the cache
  const rows = [];
  for (const { from: beginning, goal, without } of beginnings.filter((one) => one.from.includes(from))) {
    const begin = (environment) => () => {
      for (const path of readdirSync(cache, { recursive: true }))
        if (without.some((pattern) => pattern.test(path.split('/').at(-1))))
          rmSync(join(cache, path), { recursive: true, force: true });
      return toFencing(directory, cache, environment);
    };
    const results = await inTurn({ 'lab up': begin({}), 'in order': begin(inOrder) }, runs, 0);
    const bench = `fencing proven, from ${beginning}`;
    rows.push(row(bench, 'lab up', results, 'in order', goal), row(bench, 'in order', results));
  }
  return rows;
}

/** Seconds until each guest has reached the other; then the lab is stopped, and taken away. */
async function toFencing(directory, cache, environment = {}) {
  const home = mkdtempSync(join(directory, 'sandbox-'));
  const file = join(home, 'lab.yaml');
  writeFileSync(file, `name: bench\nhost: sandbox\nguests: {${guests.map((name) => `${name}: {}`).join(', ')}}\n`);
  const env = { ...process.env, XDG_CACHE_HOME: cache, XDG_STATE_HOME: join(home, 'state') };
  const start = (args, more = {}) =>
    spawn('node', [lab, ...args, '--file', file], { env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = (child) => new Promise((resolve) => child.on('close', resolve));

  const began = performance.now();
  const up = start(['up', '--yes', '--json'], environment);
  const end = ended(up);
  let seconds;
  let proven = 0;
  for await (const line of createInterface(up.stdout)) {
    const { event, chapter, verdict } = JSON.parse(line);
    if (event !== 'step' || chapter !== '8' || verdict !== 'change') continue;
    if (++proven < guests.length) continue;
    seconds ??= (performance.now() - began) / 1000;
    up.kill('SIGINT');
  }
  const code = await end;
  const destroy = start(['sandbox', 'destroy']);
  destroy.stdout.resume();
  await ended(destroy);
  rmSync(home, { recursive: true, force: true });
  if (seconds === undefined) throw new Error(`lab up ended with ${code} before fencing was proven`);
  return { seconds };
}
