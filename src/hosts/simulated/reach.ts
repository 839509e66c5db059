import { bootLayer } from './guests.ts';
import { guestAt, listensOn22 } from './net.ts';
import { hostKeyOf, publicHalf } from './ssh-keys.ts';
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
  const pinned = (dom0.text(login.knownHosts) ?? '')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([names, type]) => names?.split(',').includes(address) && type === 'ssh-ed25519')
    .map(([, , key]) => key);
  if (pinned.length === 0)
    return {
      refused: `No ED25519 host key is known for ${address} and you have requested strict checking.\nHost key verification failed.`,
    };
  if (!pinned.includes(hostKeyOf(guest.tree))) return { refused: 'Host key verification failed.' };
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
