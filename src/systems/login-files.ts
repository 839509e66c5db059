import { once } from '../model/once.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import { dom0Paths } from '../spec/paths.ts';
import type { GuestFile } from '../steps/guest-files.ts';

/** One file for all guests of a lab. */
const hostsFile = once(({ guests }: Lab): GuestFile => {
  const text = ['127.0.0.1 localhost', ...guests.map(({ address, name }) => `${address} ${name}`), ''].join('\n');
  return { path: '/etc/hosts', mode: 0o644, text, live: () => true };
});

/**
 * What every guest has, whatever its system: the names of all guests, its own ssh host key, dom0's login key, the fencing key.
 * @param others types of host keys that came with the image, and that all clones would share
 */
export function loginFiles(lab: Lab, guest: Guest, others: readonly string[]): readonly GuestFile[] {
  const { hostKey, keyType, loginKey } = dom0Paths(lab);
  const inGuest = (type: string) => `/etc/ssh/ssh_host_${type}_key`;
  return [
    hostsFile(lab),
    { path: inGuest(keyType), mode: 0o600, from: hostKey(guest) },
    { path: `${inGuest(keyType)}.pub`, mode: 0o644, from: `${hostKey(guest)}.pub` },
    ...others.map((type) => ({ path: inGuest(type), absent: true as const, comesBack: true as const })),
    { path: '/root/.ssh/authorized_keys', mode: 0o600, from: `${loginKey}.pub` },
    { path: lab.fencing.key, mode: 0o600, from: lab.fencing.key },
  ];
}
