import { Refused } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';

/** As much of a quorum disk as is looked at: the least that one may have (spec/rules.ts). */
const looked = 10 * 1024 ** 2;

/**
 * Sees that a shared disk is blank, byte by byte: blkid knows neither sbd's header nor qdiskd's, so that it finds nothing is no
 * proof. cmp(1): 0 for the same bytes, 1 for others.
 * @param blkid how this system's blkid(8) is asked; it only gives the thing a name
 * @throws Refused for a disk that holds anything
 */
export async function seeBlank(host: Reader, device: string, blkid: readonly string[]): Promise<void> {
  const [same, named] = await Promise.all([
    host.read(['cmp', '-n', String(looked), device, '/dev/zero']),
    host.read(['blkid', ...blkid, device]),
  ]);
  if (same.code === 0) return;
  const hint = `look at it: lab ssh ${host.name} -- od -A d -c -N 4096 ${device}; tieBreaker: none in lab.yaml leaves the disk alone`;
  const type = /\bTYPE="?([^"\s]+)/.exec(named.stdout)?.[1];
  if (type !== undefined) throw new Refused(`${device} holds something else: ${type}`, hint);
  if (same.code === 1 && same.stdout !== '')
    throw new Refused(`${device} is not blank, and no quorum disk: ${same.stdout.trim()}`, hint);
  throw new Refused(
    `what is on ${device} cannot be told: ${same.stderr.trim() || `cmp ended with ${same.code}`}`,
    hint,
  );
}
