import type { Reader } from '../model/host.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import {
  askGuests,
  type Cause,
  type Cure,
  broken,
  chaptersAgain,
  holds,
  names,
  type Probe,
  probe,
  unknown,
} from './probe.ts';

/** What of a key counts; a key that lab made is as long. */
const counts = 4096;

interface Key {
  readonly digest: string | undefined;
  readonly size: number | undefined;
}

async function keyOn(host: Reader, path: string): Promise<Key> {
  const [digest, stat] = await Promise.all([host.digest(path), host.stat(path)]);
  return { digest, size: stat?.size };
}

const short = (digest: string | undefined) => digest?.slice(0, 12) ?? 'no key';

/**
 * "fence_xvm.key [must be] exactly the same on the domUs and dom0": digests are compared, no key is read.
 * @param stale whether the daemon was started before the key was written, and what starts it anew
 */
export const keysAreEqual = (
  lab: Lab,
  daemon?: { readonly started: (dom0: Reader) => Promise<number | undefined>; readonly again: Cure },
): Probe =>
  probe('keys', async (look) => {
    const path = lab.fencing.key;
    const dom0 = look.on('dom0');
    const [own, guests, written, started] = await Promise.all([
      keyOn(dom0, path),
      askGuests(lab, look, (guest) => keyOn(guest, path)),
      dom0.read(['stat', '-c', '%Y', path]),
      daemon?.started(dom0),
    ]);
    if (own.digest === undefined) return broken(`dom0 has no ${path}`, keyMissingOnDom0(lab));
    const saw = [
      `dom0 ${short(own.digest)}`,
      ...guests.answers.map(({ guest, answer }) => `${guest.name} ${short(answer.digest)}`),
    ];
    const said = `sha256 ${saw.join(', ')}`;
    const without = guests.answers.find(({ answer }) => answer.digest === undefined);
    if (without) return broken(said, keyMissingInGuest(lab, without.guest));
    const other = guests.answers.find(({ answer }) => answer.digest !== own.digest);
    // Only the first 4096 bytes count, and a digest of them alone would need them to be read.
    const long = other && [own, other.answer].some(({ size }) => (size ?? 0) > counts);
    if (other && long)
      return unknown(`${said}; longer than the ${counts} bytes that count`, keysDiffer(lab, other.guest));
    if (other) return broken(said, keysDiffer(lab, other.guest));
    if (daemon && started && Number(written.stdout) > started) {
      return broken(`${said}; written after the daemon was started`, {
        name: 'daemon-stale',
        says: `${path} on dom0 is younger than the daemon, which still has an older key`,
        cure: daemon.again,
      });
    }
    if (guests.silent.length > 0) return unknown(`${said}; ${names(guests.silent)} cannot be asked`);
    return holds(said, own.size === counts ? 'the same key everywhere' : `the same key everywhere (${own.size} bytes)`);
  });

export const keyMissingOnDom0 = (lab: Lab): Cause => ({
  name: 'key-missing-on-dom0',
  number: 5,
  says: `dom0 has no fencing key ${lab.fencing.key}`,
  cure: chaptersAgain('make one, and start the daemon with it; then the guests need it: lab down && lab up', '1', '7'),
});

const intoGuests: Cure = {
  says: 'lab writes the key into the disks while the guests are off',
  command: 'lab down && lab up',
};

export const keyMissingInGuest = ({ fencing: { key } }: Lab, { name }: Guest): Cause => ({
  name: 'key-missing-in-guest',
  number: 5,
  says: `${name} has no fencing key ${key}`,
  cure: intoGuests,
});

export const keysDiffer = (_lab: Lab, { name }: Guest): Cause => ({
  name: 'keys-differ',
  number: 4,
  says: `the fencing key in ${name} is not that of dom0`,
  cure: intoGuests,
});
