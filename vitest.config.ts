import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files of `fast` that take long, as seen: they begin, and the many short ones fill what is left at the end. */
const long =
  /test\/(faults|hosts\/ssh|cli\/(lab|interrupted|pty|fence-test)|document\/document|doctor\/(causes|fix)|spec\/hostile)\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => Number(long.test(b.moduleId)) - Number(long.test(a.moduleId)));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'fast',
          globalSetup: 'test/scratch.ts',
          include: ['test/**/*.test.ts'],
          exclude: ['test/real/**', 'test/faults/**'],
          testTimeout: 60_000,
          // A worker loads a module once for all its files, and makes each model of a lab that is up once: no test changes either.
          isolate: false,
          // Two cores; many tests wait for a simulated boot.
          maxWorkers: 3,
        },
      },
      {
        // The properties, of which `fast` runs a sample, with all their cases.
        test: {
          name: 'fuzz',
          globalSetup: 'test/scratch.ts',
          include: ['test/fuzz/**/*.test.ts', 'test/spec/hostile.test.ts'],
          env: { FUZZ: 'full' },
        },
      },
      {
        test: {
          name: 'faults',
          globalSetup: 'test/scratch.ts',
          include: ['test/faults/**/*.test.ts'],
          // Two cores; a run that is killed and taken up again waits for simulated boots half of its time.
          maxConcurrency: 4,
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
