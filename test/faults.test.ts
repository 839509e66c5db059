import { expect, test } from 'vitest';
import { disturbed, undisturbed, type Which } from './faults/kill-points.ts';

/** Every so manieth change; `npm run test:faults` takes all of them, in every way. */
const strides: readonly (readonly [Which, number])[] = [
  ['default', 36],
  ['document', 28],
];

test.concurrent.each(strides)(
  'the %s lab, killed in the middle of a change, comes to the same world',
  { timeout: 110_000 },
  async (which, stride) => {
    const reference = await undisturbed(which);
    const points = Array.from({ length: Math.floor(reference.changes / stride) }, (_, n) => stride * (n + 1));
    expect(points.length).toBeGreaterThan(2);
    for (const n of points) {
      const { first, second, world } = await disturbed(which, `kill-during:${n}`);
      expect([first, second], `kill-during:${n}`).toEqual(['SIGKILL', 0]);
      expect(world, `kill-during:${n}`).toEqual(reference.world);
    }
  },
);
