import { setFlagsFromString } from 'node:v8';

/** From so many guests on, memory counts more than time. */
const many = 64;

/**
 * Young objects keep a small place, and old ones are looked through each time they are half as many again: planning 1,000 guests takes a
 * third less memory, and a tenth longer; a short command would take a tenth longer too (docs/benchmarks.md).
 */
export function saveMemory(guests: number): void {
  if (guests < many) return;
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=50');
}
