import { once } from '../model/once.ts';
import type { Guest, Lab } from './lab.ts';

/** All that labs keep for themselves on a dom0: a directory for each. */
export const labsDirectory = '/var/lib/cluster-lab';

/** In it: what the lab takes of its dom0. */
export const claimsFile = 'claims.json';

/**
 * Where a lab keeps its own things on dom0. Private keys live here and nowhere else but in the guests they are for.
 * The dom0s of xm's day have no /run, and an OpenSSH that knows no ed25519.
 */
export const dom0Paths = once(({ name, toolstack }: Pick<Lab, 'name' | 'toolstack'>) => {
  const old = toolstack === 'xm';
  const keyType: 'ed25519' | 'rsa' = old ? 'rsa' : 'ed25519';
  const state = `${labsDirectory}/${name}`;
  const run = old ? '/var/run/cluster-lab' : '/run/cluster-lab';
  return {
    state,
    /** lab.yaml, as the last `lab up` read it. */
    lab: `${state}/lab.yaml`,
    /** A domain that was adopted, as libvirt had it before. */
    adoptedDomain: ({ name: guest }: Pick<Guest, 'name'>) => `${state}/${guest}.before-lab.xml`,
    /** Lab asked this bridge to keep multicast alive: it is told otherwise when the last lab goes. A boot forgets both. */
    querier: (bridge: string) => `${run}/querier-${bridge}`,
    run,
    /** What it takes of its dom0 (claims.ts). */
    claims: `${state}/${claimsFile}`,
    /** Of all ssh keys that lab makes: ssh-keygen(1) -t. */
    keyType,
    /** The key that lets dom0 into the guests, and its public half. */
    loginKey: `${state}/login_${keyType}`,
    knownHosts: `${state}/known_hosts`,
    authkey: `${state}/corosync-authkey`,
    /** A guest's ssh host key; the public half has `.pub`. */
    hostKey: ({ name: guest }: Pick<Guest, 'name'>) => `${state}/${guest}_host_${keyType}`,
    /** Where the disks of guests that are off are mounted while they are edited. */
    mounts: `${run}/${name}`,
    mount: ({ name: guest }: Pick<Guest, 'name'>) => `${run}/${name}/${guest}`,
    /** Sockets of the connections to guests that looks may use again within a minute: shared by ssh(1) (ssh.ts). */
    guestSockets: `${run}/${name}.ssh`,
    lock: `${run}/${name}.lock`,
  };
});
