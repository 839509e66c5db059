import type { Guest, Lab } from './lab.ts';

/**
 * Where a lab keeps its own things on dom0. Private keys live here and nowhere else but in the guests they are for.
 */
export function dom0Paths({ name }: Pick<Lab, 'name'>) {
  const state = `/var/lib/cluster-lab/${name}`;
  return {
    state,
    /** The key that lets dom0 into the guests, and its public half. */
    loginKey: `${state}/login_ed25519`,
    knownHosts: `${state}/known_hosts`,
    authkey: `${state}/corosync-authkey`,
    /** A guest's ssh host key; the public half has `.pub`. */
    hostKey: ({ name: guest }: Guest) => `${state}/${guest}_host_ed25519`,
    /** Where the disk of a guest that is off is mounted while it is edited. */
    mount: ({ name: guest }: Guest) => `/run/cluster-lab/${name}/${guest}`,
    lock: `/run/cluster-lab/${name}.lock`,
  };
}
