import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/real/**', 'test/faults/**'],
          testTimeout: 60_000,
          // Modules are loaded once for each worker, not for each file: a third of the time of the whole run.
          isolate: false,
          // Two cores; many tests wait for a simulated boot.
          maxWorkers: 3,
        },
      },
      {
        // The properties of test/fuzz, of which `fast` runs a sample, with all their cases.
        test: {
          name: 'fuzz',
          include: ['test/fuzz/**/*.test.ts'],
          env: { FUZZ: 'full' },
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          maxConcurrency: 2,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        // One dom0, two cores: real tests run one after the other, in the order of their names.
        test: {
          name: 'real',
          include: ['test/real/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
});
