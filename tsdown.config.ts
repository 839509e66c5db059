import { defineConfig } from 'tsdown';

// One bundle: loading eleven libraries from node_modules costs twice the start-up of one file
// (measured, see docs/architecture.md). What only some commands need stays in chunks of its own.
export default defineConfig({
  entry: { lab: 'src/cli/main.ts' },
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  outDir: 'dist',
  banner: '#!/usr/bin/env node',
  minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
  dts: false,
  clean: true,
  noExternal: [/.*/],
  inlineOnly: false,
  fixedExtension: false,
});
