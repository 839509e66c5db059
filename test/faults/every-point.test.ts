import { beforeAll, describe, expect, test } from 'vitest';
import { disturbed, undisturbed } from './kill-points.ts';

// `npm run test:faults`: every change of the default lab, each gone wrong in every way.
let reference: Awaited<ReturnType<typeof undisturbed>>;
beforeAll(async () => {
  reference = await undisturbed();
});

/** More than the default lab has; the test below says how many it really took. */
const most = 140;

test('the points below are all there are', () => {
  expect(reference.changes).toBeGreaterThan(90);
  expect(reference.changes).toBeLessThanOrEqual(most);
});

describe.concurrent.each(['kill-before', 'kill-during', 'kill-after', 'fail'])('%s', (how) => {
  test.each(Array.from({ length: most }, (_, n) => n + 1))('change %i', async (n) => {
    if (n > reference.changes) return;
    const { first, second, world } = await disturbed(`${how}:${n}`);
    expect(first).toBe(how === 'fail' ? 1 : 'SIGKILL');
    expect(second).toBe(0);
    expect(world).toEqual(reference.world);
  });
});
