import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** A lab.yaml that is longer (bytes) has hundreds of guests: memory counts more than time then. */
const long = 8 * 1024;

/** The place of young objects then (bytes): with half of it, planning 1,000 guests takes 8 % longer; without a bound, up to 302 MiB. */
const young = 8 * 1024 ** 2;

/**
 * Young objects keep a small place, and old ones are looked through each time they have grown by two fifths: planning 1,000 guests takes a
 * third less memory, and a tenth longer; a short command would take a tenth longer too (docs/benchmarks.md). Before anything is
 * made of the text, because places that have grown stay so; after the program is loaded, because V8 takes what the build kept of
 * it with the same flags alone (compiled.ts).
 */
export async function saveMemory({ length }: string): Promise<void> {
  if (length < long) return;
  await Promise.all([import('../spec/read.ts'), import('./chapters.ts'), import('./run.ts')]);
  setFlagsFromString('--semi-space-growth-factor=2');
  growYoung();
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=40');
}

/** V8 gives them more place when many of them have outlived a collection. */
function growYoung(): void {
  const bytes = () =>
    getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? young;
  const outliving: unknown[] = [];
  for (let round = 0; round < 400 && bytes() < young; round++)
    for (let n = 0; n < 40; n++) outliving.push(new Array(256).fill(n));
}
