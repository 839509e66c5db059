import { setFlagsFromString } from 'node:v8';

/** A lab.yaml that is longer (bytes) has hundreds of guests: memory counts more than time then. */
const long = 16 * 1024;

/**
 * Young objects keep a small place, and old ones are looked through each time they are a third more: planning 1,000 guests takes a
 * third less memory, and a tenth longer; a short command would take a tenth longer too (docs/benchmarks.md). Before anything is
 * made of the text: places that have grown stay so.
 */
export function saveMemory({ length }: string): void {
  if (length < long) return;
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=33');
}
