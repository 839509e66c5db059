import { expect, test } from 'vitest';
import { lab, scratch } from '../cli/process.ts';

// Every change of every step of the document's lab, as a person reads it: a golden text. A step that comes to do something else
// shows here; `npx vitest run -u` takes it over, after a look at the difference.
test('the dry-run of the document’s lab', async () => {
  const run = await lab(['up', '--dry-run', '--host', 'simulated:world'], { cwd: scratch() });
  expect(run.code).toBe(0);
  const text = run.stdout
    .replaceAll(/simulated:\S+\/world/g, 'simulated:world')
    .replaceAll(/ +[\d.]+ m?s$/gm, '')
    .replace(/in [\d.]+ s;/, 'in no time;');
  await expect(text).toMatchFileSnapshot('golden/default-lab.txt');
});
