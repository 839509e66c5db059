import { createHash } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineConfig, type UserConfig } from 'tsdown';
import { head, indexOf } from './src/cli/pieces.ts';

const common: UserConfig = {
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  outDir: 'dist',
  minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
  dts: false,
  clean: true,
  noExternal: [/.*/],
  inlineOnly: false,
  // Its SHA-1 in JavaScript: Node's crypto costs a short command 7 ms (docs/benchmarks.md), for a few names of guests.
  alias: { uuid: join(import.meta.dirname, 'node_modules/uuid/dist/index.js') },
  logLevel: 'warn',
  checks: { legacyCjs: false },
};

/** Stands in the program for its own digest: src/cli/remembered.ts. */
const BUILD = '@digest of the build@';

/**
 * V8 reads bytes faster than characters: what is written in the program beyond ASCII is in strings, templates and patterns, where an
 * escape says the same. And the program is told its digest.
 */
async function finish(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((file) => file.endsWith('.cjs')).sort();
  const files = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  const build = createHash('sha256').update(files.join('')).digest('hex');
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const chunks = files.map((code) => code.replaceAll(BUILD, build).replace(/[^\0-\x7f]/g, escaped));
  const index = indexOf(names.map((name, n) => [name, chunks[n] ?? '']));
  await writeFile(join(directory, 'program'), [head(index), ...chunks]);
  await Promise.all(names.map((name) => rm(join(directory, name))));
}

// Loading eleven libraries from node_modules costs twice the start-up (measured, docs/architecture.md). So all is bundled, in chunks
// that are loaded when used. Each is a function, of which the build keeps what V8 made: src/cli/compiled.ts, which is in the first two.
export default defineConfig([
  {
    ...common,
    entry: { lab: 'src/cli/lab.ts' },
    banner: '#!/usr/bin/env node',
    fixedExtension: false,
    outExtensions: () => ({ js: '.js' }),
    hooks: {
      // An ES module as the main one costs 7 ms where node itself takes 107.
      'build:done': ({ options }) => writeFile(join(options.outDir, 'package.json'), '{ "type": "commonjs" }\n'),
    },
  },
  {
    ...common,
    entry: { compiled: 'src/cli/compiled.ts', 'code-cache': 'src/cli/code-cache.ts' },
    outExtensions: () => ({ js: '.js' }),
  },
  {
    ...common,
    entry: { main: 'src/cli/main.ts' },
    define: { BUILD: JSON.stringify(BUILD) },
    hooks: { 'build:done': ({ options }) => finish(options.outDir) },
    banner: "(function (require, module, exports) { 'use strict';",
    footer: '})',
  },
]);
