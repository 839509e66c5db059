import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseSize, showSize } from '../../src/spec/sizes.ts';

it.each([
  ['1K', 1024],
  ['512M', 536_870_912],
  ['10240M', 10_737_418_240],
  ['10G', 10_737_418_240],
  ['10GiB', 10_737_418_240],
  ['10gb', 10_737_418_240],
  ['1T', 1_099_511_627_776],
  ['007M', 7_340_032],
  ['0G', 0],
])('%s is %i bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));

it.each(['', '10', 'G', '10GG', '-1G', '1.5G', '1e9G', ' 1G', '1 G', '1Gi', '1P', '9007199254740992K', '٣G', '1G\n'])(
  '%j is no size',
  (text) => expect(parseSize(text)).toBeUndefined(),
);

it.each([
  [1024, '1K'],
  [10 * 1024 ** 3, '10G'],
  [10 * 1024 ** 3 + 1024 ** 2, '10241M'],
  [2048 * 1024 ** 4, '2048T'],
])('%i bytes are shown as %s', (bytes, text) => expect(showSize(bytes)).toBe(text));

it('showSize is read back', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 43 - 1 }),
      (kibibytes) => parseSize(showSize(kibibytes * 1024)) === kibibytes * 1024,
    ),
  );
});
