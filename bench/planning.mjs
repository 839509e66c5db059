// The plan of a lab that is not there yet, with more and more guests.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, inTurn, median, row, run } from './measure.mjs';

/** Time, CPU (s) and peak memory. The simulated dom0 has no memory for more than nine guests: one step says so, and the run ends with 1. */
export async function planning({ directory, runs, guests = [2, 16, 128, 1000] }) {
  const { lab } = build(directory);
  const tasks = Object.fromEntries(
    guests.map((count) => {
      const file = join(directory, `plan-${count}.yaml`);
      const each = Array.from({ length: count }, (_, n) => `  g${n + 1}: {}\n`).join('');
      writeFileSync(file, `name: many\nstorage: none\nnetwork: { subnet: 10.77.0.0/16 }\nguests:\n${each}`);
      const command = [
        'node',
        lab,
        'up',
        '--dry-run',
        '--file',
        file,
        '--host',
        `simulated:${join(directory, `plan-${count}`)}`,
      ];
      const { stdout, stderr } = spawnSync(command[0], command.slice(1), { encoding: 'utf8', maxBuffer: 1 << 30 });
      if (!stdout.includes(`Boot g${count} `)) throw new Error(`that is no plan of ${count} guests:\n${stderr}`);
      return [`${count} guests`, () => run(command, { usage: join(directory, 'usage.json'), ends: [0, 1] })];
    }),
  );
  const results = await inTurn(tasks, runs);
  return Object.entries(results).map(([what, list]) => ({
    ...row('planning', what, results, undefined, what === '1000 guests' ? '≤ 5 s, ≤ 300 MiB' : ''),
    cpu: median(list.map(({ cpu }) => cpu)),
    'peak MiB': median(list.map(({ peak }) => peak)),
  }));
}
