import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fingerprint } from '../../src/model/fingerprint.ts';

/* Keys and texts that differ in anything are told apart. */

const text = fc.uint8Array({ minLength: 1, maxLength: 64 });

test('another byte, at another place, or another length is another fingerprint', () => {
  fc.assert(
    fc.property(text, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, change) => {
      const other = Uint8Array.from(bytes, (byte, n) => (n === at % bytes.length ? byte ^ change : byte));
      expect(fingerprint(other)).not.toBe(fingerprint(bytes));
      expect(fingerprint(Uint8Array.of(...bytes, 0))).not.toBe(fingerprint(bytes));
      expect(fingerprint(bytes.subarray(1))).not.toBe(fingerprint(bytes));
      expect(fingerprint(Uint8Array.from(bytes))).toBe(fingerprint(bytes));
    }),
  );
});

test('many texts that are alike have each their own', () => {
  const texts = Array.from({ length: 20_000 }, (_, n) => Buffer.from(`guests: {molly: {memory: ${n}}}`));
  expect(new Set(texts.map(fingerprint)).size).toBe(texts.length);
  for (const found of texts.map(fingerprint)) expect(found).toMatch(/^[0-9a-f]{16}$/);
});
