import { BadInput, type Place } from '../model/errors.ts';

/**
 * The MAC address `n` after `base`, in lower case: the document's "I just increment this one". Counts within the 24 bits
 * that belong to the vendor part's owner, with carry: 00:16:3e:00:00:ff is followed by 00:16:3e:00:01:00.
 * @param place where `base` is written, for messages
 * @throws BadInput if `base` is no MAC address of one interface (the lowest bit of its first byte is set: multicast), or
 *   counting leaves the 24 bits
 */
export function nthMac(base: string, n: number, place: Place = { file: 'lab.yaml' }): string {
  const fail = (message: string, hint: string) => new BadInput([{ place, message, hint }]);
  if (!/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i.test(base)) {
    throw fail(`\`${base}\` is not a MAC address`, 'Six bytes in hexadecimal, e.g. 00:16:3e:00:cf:fd');
  }
  const bytes = base.toLowerCase().split(':');
  if (Number.parseInt(bytes[0] ?? '', 16) & 1) {
    throw fail(`\`${base}\` is a multicast address`, "The first byte must be even; 00:16:3e is Xen's.");
  }
  const last = Number.parseInt(bytes.slice(3).join(''), 16) + n;
  if (!Number.isInteger(n) || last < 0 || last > 0xffffff) {
    throw fail(`there is no MAC address ${n} after ${base} with the same first three bytes`, 'Start lower.');
  }
  const digits = last.toString(16).padStart(6, '0').match(/../g) ?? [];
  return [...bytes.slice(0, 3), ...digits].join(':');
}
