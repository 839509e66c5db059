import { setFlagsFromString } from 'node:v8';

/** A lab.yaml that is longer (bytes) has hundreds of guests: memory counts more than time then. */
const long = 8 * 1024;

/**
 * Young objects keep a small place, and old ones are looked through each time they have grown by two fifths: planning 1,000 guests takes a
 * third less memory, and a tenth longer; a short command would take a tenth longer too (docs/benchmarks.md). Before anything is
 * made of the text, because places that have grown stay so; after the program is loaded, because V8 takes what the build kept of
 * it with the same flags alone (compiled.ts).
 */
export async function saveMemory({ length }: string): Promise<void> {
  if (length < long) return;
  await Promise.all([import('../spec/read.ts'), import('./chapters.ts'), import('./run.ts')]);
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=40');
}
