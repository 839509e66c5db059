import { defineConfig, type UserConfig } from 'tsdown';

const common: UserConfig = {
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

// The command line alone, and the commands in chunks that are loaded when used; each a function, of which the build keeps what V8
// made (src/cli/compiled.ts). Loading eleven libraries from node_modules costs twice the start-up (measured, docs/architecture.md).
export default defineConfig([
  {
    ...common,
    entry: { lab: 'src/cli/main.ts', compiled: 'src/cli/compiled.ts', 'code-cache': 'src/cli/code-cache.ts' },
    format: 'esm',
    banner: '#!/usr/bin/env node',
    fixedExtension: false,
  },
  {
    ...common,
    entry: { commands: 'src/cli/commands/index.ts' },
    format: 'cjs',
    banner: "(function (require, module, exports) { 'use strict';",
    footer: '})',
  },
]);
