// How things are timed. What is compared runs in turn, A B A B …, so that a machine whose speed drifts drifts for all.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import process from 'node:process';

export const here = dirname(fileURLToPath(import.meta.url));

/** Runs a command to its end. @returns what it printed @throws if it fails */
export function sh(program, ...args) {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 28 });
}

export function has(program) {
  try {
    return sh('sh', '-c', 'command -v "$1"', 'sh', program) !== '';
  } catch {
    return false;
  }
}

/** A directory that is gone in the end. */
export async function within(work, base = tmpdir()) {
  const directory = mkdtempSync(join(base, 'lab-bench-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** lab and the recorder, built with the limit of guests lifted. */
export function build(directory) {
  const built = join(directory, 'built');
  sh(join(here, '../node_modules/.bin/tsdown'), '--config', join(here, 'build.config.ts'), '--out-dir', built);
  sh('node', join(built, 'code-cache.js'));
  return { lab: join(built, 'lab.js'), record: join(built, 'record.mjs') };
}

/** Seconds of a command as a whole process, and for node its CPU (s) and peak memory (MiB). Its output is thrown away. @param ends exit codes that are right */
export function run([program, ...args], { cwd, usage, ends = [0] } = {}) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env };
    if (usage) {
      env.LAB_BENCH_USAGE = usage;
      env.NODE_OPTIONS = `--import=${join(here, 'usage.mjs')}`;
    }
    const began = performance.now();
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    child.stderr.on('data', (chunk) => {
      complaint = (complaint + chunk).slice(-2000);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const seconds = (performance.now() - began) / 1000;
      if (!ends.includes(code))
        return reject(new Error(`${[program, ...args].join(' ')} ended with ${code}: ${complaint}`));
      resolve({ seconds, ...(usage ? JSON.parse(readFileSync(usage, 'utf8')) : {}) });
    });
  });
}

/**
 * Runs each in turn, `runs` times after `uncounted` that are not counted.
 * @param tasks name to a function that runs it and resolves with numbers, e.g. `{ seconds }`
 * @returns name to a list of what it resolved with
 */
export async function inTurn(tasks, runs, uncounted = 1) {
  const results = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
  for (let n = -uncounted; n < runs; n++)
    for (const [name, task] of Object.entries(tasks)) {
      const result = await task();
      if (n >= 0) results[name].push(result);
    }
  return results;
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * A row of the table: seconds, and the ratio to `against`, taken pair by pair.
 * @param results of inTurn
 */
export function row(bench, what, results, against, goal = '') {
  const seconds = results[what].map((result) => result.seconds);
  const ratios = against ? seconds.map((time, n) => time / results[against][n].seconds) : [];
  return {
    bench,
    what,
    n: seconds.length,
    seconds: median(seconds),
    min: Math.min(...seconds),
    max: Math.max(...seconds),
    ...(against
      ? { against, ratio: median(ratios), 'ratio min': Math.min(...ratios), 'ratio max': Math.max(...ratios) }
      : {}),
    ...(goal ? { goal } : {}),
  };
}
