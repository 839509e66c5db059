import { describe, expect, test } from 'vitest';
import { destroyed, fromNothing } from './kill-points.ts';

// `npm run test:faults`: `lab destroy --name` of a lab that is half built, or half destroyed, leaves the dom0 as it was.

/** Every so many changes of `lab up`, and of `lab destroy`. */
const stride = Number(process.env.LAB_STRIDE ?? 4);
const points = (last: number) => Array.from({ length: Math.ceil(last / stride) }, (_, n) => 1 + n * stride);

describe.concurrent.each(fromNothing)('the %s lab', (which) => {
  test.each(points(60).flatMap((n) => [`kill-during:${n}`, `kill-after:${n}`]))(
    'destroyed after up died by %s',
    async (up) => {
      const { code, before, after } = await destroyed(which, { up });
      expect(code).toBe(0);
      expect(after).toEqual(before);
    },
  );

  test.each(points(24).flatMap((n) => [`kill-before:${n}`, `kill-during:${n}`]))(
    'destroyed again after %s',
    async (fault) => {
      const { code, before, after } = await destroyed(which, { destroy: [fault] });
      expect(code).toBe(0);
      expect(after).toEqual(before);
    },
  );
});
