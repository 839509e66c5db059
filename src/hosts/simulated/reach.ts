import { bootLayer } from './guests.ts';
import { guestAt, listensOn22 } from './net.ts';
import { isRedHat } from './red-hat/release.ts';
import { hostKeyOf, keyTypesOf, publicHalf } from './ssh-keys.ts';
import type { Machine, World } from './world.ts';

/** Why ssh(1) of dom0 cannot get into a guest, in its words; it then ends with 255. */
export interface Refusal {
  readonly refused: string;
}

/**
 * Gets into a guest as `ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -i KEY root@ADDRESS` would from dom0: it must be
 * there, listen, show the key that is pinned, and accept ours.
 */
export function reach(world: World, address: string): Machine | Refusal {
  const { login } = world.options;
  const dom0 = world.dom0.tree;
  const guest = guestAt(world, address);
  if (!guest) return { refused: `ssh: connect to host ${address} port 22: No route to host` };
  if (!listensOn22(world, guest)) return { refused: `ssh: connect to host ${address} port 22: Connection refused` };
  // OpenSSH 8.8 and younger want no ssh-rsa with SHA-1, and that is all that the sshd of RHEL 5 and 6 can do.
  const type = isRedHat(guest.tree) || isRedHat(dom0) ? 'rsa' : 'ed25519';
  if (isRedHat(guest.tree) && !isRedHat(dom0))
    return {
      refused: `Unable to negotiate with ${address} port 22: no matching host key type found. Their offer: ssh-rsa,ssh-dss`,
    };
  const pinned = (dom0.text(login.knownHosts) ?? '')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([names, at]) => names?.split(',').includes(address) && at === `ssh-${type}`)
    .map(([, , key]) => key);
  if (pinned.length === 0)
    return {
      refused: `No ${type.toUpperCase()} host key is known for ${address} and you have requested strict checking.\nHost key verification failed.`,
    };
  if (!keyTypesOf(guest.tree).includes(type) || !pinned.includes(hostKeyOf(guest.tree, type)))
    return { refused: 'Host key verification failed.' };
  const denied = `root@${address}: Permission denied (publickey).`;
  const stat = dom0.stat(login.key);
  if (stat && (stat.mode & 0o077) !== 0)
    return { refused: `Permissions 0${(stat.mode & 0o777).toString(8)} for '${login.key}' are too open.\n${denied}` };
  const own = publicHalf(dom0.text(login.key));
  const accepted = guest.tree.text('/root/.ssh/authorized_keys')?.split(/\s+/) ?? [];
  const strict = ['/root/.ssh', '/root/.ssh/authorized_keys'].every(
    (path) => ((guest.tree.stat(path)?.mode ?? 0) & 0o022) === 0,
  );
  if (own === undefined || !accepted.includes(own) || !strict) return { refused: denied };
  // pam_nologin, until systemd says that users may come in; root may.
  return guest.running && bootLayer(world, guest.running) !== 'kernel' ? guest : { refused: denied };
}
