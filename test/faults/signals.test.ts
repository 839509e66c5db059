import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { spawn } from '@lydell/node-pty';
import { expect, test } from 'vitest';
import { environmentIn, lab, scratch, start } from '../cli/process.ts';

// Ctrl-C, SIGTERM, a terminal that is closed: 130, nothing is left running, and lab up goes on.

/** Processes that speak of a directory, by their command lines. */
function leftIn(directory: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(directory) ? [pid] : [];
      } catch {
        return []; // it has just ended
      }
    });
}

const up = ['up', '--host', 'simulated:world'];
const aMoment = (ms: number) => new Promise((wake) => setTimeout(wake, ms));

test.each([['SIGINT'], ['SIGTERM'], ['SIGHUP'], ['SIGINT', 'SIGINT'], ['SIGINT', 'SIGINT', 'SIGINT']] as const)(
  '%s %s %s',
  async (...signals) => {
    const cwd = scratch();
    const { child, ended } = start(up, { cwd });
    const begun = new Promise<void>((done) =>
      child.stdout.on('data', (chunk) => String(chunk).includes('changed') && done()),
    );
    await Promise.race([begun, ended]);
    for (const signal of signals) child.kill(signal);
    expect((await ended).code).toBe(130);
    await aMoment(300);
    expect(leftIn(cwd)).toEqual([]);
    expect((await lab(up, { cwd })).code).toBe(0);
  },
);

test('the terminal is closed', async () => {
  const cwd = scratch();
  const { CI: _, ...environment } = environmentIn(cwd);
  const env = { ...environment, TERM: 'xterm-256color' };
  const child = spawn(process.execPath, [resolve('dist/lab.js'), ...up], { cols: 100, rows: 40, cwd, env });
  await new Promise<void>((done) => child.onData((data) => data.includes('Install') && done()));
  const ended = new Promise<{ exitCode: number; signal?: number | undefined }>((done) => child.onExit(done));
  (child as unknown as { destroy(): void }).destroy();
  expect(await ended).toMatchObject({ exitCode: 130 });
  await aMoment(300);
  expect(leftIn(cwd)).toEqual([]);
  expect((await lab(up, { cwd })).code).toBe(0);
});
