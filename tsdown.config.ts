import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineConfig, type UserConfig } from 'tsdown';

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
  logLevel: 'warn',
  checks: { legacyCjs: false },
};

/** V8 reads bytes faster than characters. What is written in the program beyond ASCII is in strings, templates and patterns: an escape says the same. */
async function asciiOnly(directory: string): Promise<void> {
  for (const name of (await readdir(directory)).filter((file) => file.endsWith('.cjs'))) {
    const code = await readFile(join(directory, name), 'utf8');
    const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
    await writeFile(join(directory, name), code.replace(/[^\0-\x7f]/g, escaped));
  }
}

// Loading eleven libraries from node_modules costs twice the start-up (measured, docs/architecture.md). So all is bundled, in chunks
// that are loaded when used. Each is a function, of which the build keeps what V8 made: src/cli/compiled.ts, which is in the first.
export default defineConfig([
  {
    ...common,
    entry: { lab: 'src/cli/lab.ts', compiled: 'src/cli/compiled.ts', 'code-cache': 'src/cli/code-cache.ts' },
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
    entry: { main: 'src/cli/main.ts' },
    hooks: { 'build:done': ({ options }) => asciiOnly(options.outDir) },
    banner: "(function (require, module, exports) { 'use strict';",
    footer: '})',
  },
]);
