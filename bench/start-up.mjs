// What a command costs before it does anything, and a plan of what is not there yet.
import { URL } from 'node:url';
import { join } from 'node:path';
import { inTurn, row, run, sh } from './measure.mjs';

const lab = new URL('../dist/lab.js', import.meta.url).pathname;

/** `lab --version`, `--help` and `status` against node itself. */
export async function startUp({ directory, runs }) {
  const simulated = ['--host', `simulated:${join(directory, 'start-up')}`];
  sh('node', lab, 'up', '--yes', ...simulated);
  const commands = { '--version': ['--version'], '--help': ['--help'], status: ['status', ...simulated] };
  const tasks = Object.entries(commands).map(([name, args]) => [`lab ${name}`, () => run(['node', lab, ...args])]);
  const results = await inTurn({ 'node -e 0': () => run(['node', '-e', '0']), ...Object.fromEntries(tasks) }, runs);
  const goals = ['≤ 1.3', '≤ 1.3', '≤ 2'];
  return [
    row('start-up', 'node -e 0', results),
    ...tasks.map(([name], n) => row('start-up', name, results, 'node -e 0', goals[n])),
  ];
}

/** A dry-run of a lab that is not there, against a run that changes nothing. */
export async function dryRun({ directory, runs }) {
  const [made, fresh] = ['made', 'fresh'].map((name) => ['--host', `simulated:${join(directory, name)}`]);
  sh('node', lab, 'up', '--yes', ...made);
  const tasks = {
    'dry-run': () => run(['node', lab, 'up', '--dry-run', ...fresh]),
    'no-op': () => run(['node', lab, 'up', ...made]),
  };
  const results = await inTurn(tasks, runs);
  return [row('dry-run', 'dry-run', results, 'no-op', '≤ 1'), row('dry-run', 'no-op', results)];
}
