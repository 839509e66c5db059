import type { Guest, Lab } from './lab.ts';

/** Of the file in which a lab says what it takes of its dom0. */
export const claimsSuffix = '.claims.json';

/**
 * Where a lab keeps its own things on dom0. Private keys live here and nowhere else but in the guests they are for.
 * The dom0s of xm's day have no /run, and an OpenSSH that knows no ed25519.
 */
export function dom0Paths({ name, toolstack }: Pick<Lab, 'name' | 'toolstack'>) {
  const old = toolstack === 'xm';
  const keyType: 'ed25519' | 'rsa' = old ? 'rsa' : 'ed25519';
  const state = `/var/lib/cluster-lab/${name}`;
  const run = old ? '/var/run/cluster-lab' : '/run/cluster-lab';
  return {
    state,
    /** What it takes of its dom0 (claims.ts), beside the directory of its keys. */
    claims: `${state}${claimsSuffix}`,
    /** Of all ssh keys that lab makes: ssh-keygen(1) -t. */
    keyType,
    /** The key that lets dom0 into the guests, and its public half. */
    loginKey: `${state}/login_${keyType}`,
    knownHosts: `${state}/known_hosts`,
    authkey: `${state}/corosync-authkey`,
    /** A guest's ssh host key; the public half has `.pub`. */
    hostKey: ({ name: guest }: Pick<Guest, 'name'>) => `${state}/${guest}_host_${keyType}`,
    /** Where the disk of a guest that is off is mounted while it is edited. */
    mount: ({ name: guest }: Pick<Guest, 'name'>) => `${run}/${name}/${guest}`,
    lock: `${run}/${name}.lock`,
  };
}
