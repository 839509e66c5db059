import { defineConfig } from 'tsdown';

/** lab as it is, but for the most guests that lab.yaml may have: the limit of corosync is lifted. */
export default defineConfig({
  entry: { lab: '../src/cli/main.ts', record: 'record.ts' },
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  dts: false,
  noExternal: [/.*/],
  inlineOnly: false,
  fixedExtension: false,
  logLevel: 'warn',
  plugins: [
    {
      name: 'more guests',
      transform(code, id) {
        if (!id.endsWith('/src/spec/schema.ts')) return undefined;
        const lifted = code.replace('maxProperties: 16 }', 'maxProperties: 1000 }');
        if (lifted === code) throw new Error('src/spec/schema.ts does not hold the limit that was to be lifted');
        return lifted;
      },
    },
  ],
});
