import { beforeAll, describe, expect, test } from 'vitest';
import { disturbed, labs, undisturbed, type Which } from './kill-points.ts';

// `npm run test:faults`: every change of each lab, each gone wrong in every way.

/** How many changes each lab has: a point beyond them would prove nothing, and one short of them would miss some. */
const points: Readonly<Record<Which, number>> = {
  default: 129,
  document: 96,
  'quorum disk': 134,
  'document’s quorum disk': 99,
  adding: 39,
  removing: 21,
};

describe.each(Object.keys(labs) as Which[])('the %s lab', (which) => {
  let reference: Awaited<ReturnType<typeof undisturbed>>;
  beforeAll(async () => {
    reference = await undisturbed(which);
  });

  test('the points below are all there are', () => {
    expect(reference.changes).toBe(points[which]);
  });

  describe.concurrent.each(['kill-before', 'kill-during', 'kill-after', 'fail'])('%s', (how) => {
    test.each(Array.from({ length: points[which] }, (_, n) => n + 1))('change %i', async (n) => {
      const { first, second, world } = await disturbed(which, `${how}:${n}`);
      expect(first).toBe(how === 'fail' ? 1 : 'SIGKILL');
      expect(second).toBe(0);
      expect(world).toEqual(reference.world);
    });
  });
});
