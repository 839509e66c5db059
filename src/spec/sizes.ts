/** Sizes as lab.yaml writes them, and bytes. */

export const MiB = 1024 ** 2;
const UNITS = 'KMGT';

/** `512M`, `10G`, `10GiB`, `1t`. The unit is needed: a bare `10` would mean bytes to one reader and gigabytes to another. */
export const SIZE = /^(\d+)([KMGTkmgt])(?:i?[Bb])?$/;

/** What a complaint expects where SIZE does not match. */
export const SIZE_EXPECTED = 'a size with its unit (K, M, G or T, counted in 1024s), such as 512M or 10G';

/**
 * The bytes of a size, e.g. 536870912 of `512M`. Units count in 1024s, as `dd bs=1M` does in the document.
 * undefined: not a size, or more than can be counted exactly (2^53 bytes).
 */
export function parseSize(text: string): number | undefined {
  const [, digits, unit] = SIZE.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  const bytes = Number(digits) * 1024 ** (UNITS.indexOf(unit.toUpperCase()) + 1);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A size in its largest whole unit: `10G` for 10737418240, `10241M` for a mebibyte more. Bytes must be whole KiB. */
export function showSize(bytes: number): string {
  let count = bytes / 1024;
  let unit = 0;
  for (; count >= 1024 && count % 1024 === 0 && unit < UNITS.length - 1; unit++) count /= 1024;
  return `${count}${UNITS[unit]}`;
}
