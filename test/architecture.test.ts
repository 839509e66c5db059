import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { afterEach, expect, test } from 'vitest';
// @ts-expect-error: a configuration, without types
import config from '../.dependency-cruiser.cjs';

/** The rules that `npm run check:imports` enforces, over the whole tree or over planted files. */
async function broken(paths: readonly string[]): Promise<readonly string[]> {
  const { output } = await cruise([...paths], {
    ...config.options,
    ruleSet: { forbidden: config.forbidden },
    validate: true,
  });
  return (output as ICruiseResult).summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`);
}

const planted = 'src/model/planted.ts';
afterEach(() => rmSync(planted, { force: true }));

test('every room imports only what the table of docs/architecture.md allows', async () => {
  expect(await broken(['src', 'recipes'])).toEqual([]);
});

test.each([
  ["import { up } from '../engine/up.ts';\nup;\n", 'src/model imports only what stands below it'],
  ["import { execa } from 'execa';\nexeca;\n", 'execa only where processes are started'],
])('and a planted violation is found: %j', async (text, rule) => {
  mkdirSync(join('src', 'model'), { recursive: true });
  writeFileSync(planted, text);
  expect((await broken(['src/model', 'src/engine'])).join('\n')).toContain(rule);
});
