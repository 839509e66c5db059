import { expect, test } from 'vitest';
import { disturbed, undisturbed } from './faults/kill-points.ts';

/** Every so manieth change; `npm run test:faults` takes all of them, in every way. */
const stride = 12;

test('killed in the middle of a change, lab up comes to the same world', { timeout: 110_000 }, async () => {
  const reference = await undisturbed();
  const points = Array.from({ length: Math.floor(reference.changes / stride) }, (_, n) => stride * (n + 1));
  expect(points.length).toBeGreaterThan(8);
  for (const n of points) {
    const { first, second, world } = await disturbed(`kill-during:${n}`);
    expect([first, second], `kill-during:${n}`).toEqual(['SIGKILL', 0]);
    expect(world, `kill-during:${n}`).toEqual(reference.world);
  }
});
