import { loginFiles } from './login-files.ts';
import type { GuestSystem } from './system.ts';

/** Debian as lab installs it: one file system on the whole disk, systemd, systemd-networkd. */
export const debian: GuestSystem = {
  disk: 'whole',
  // One key exchange on offer saves a slow machine from trying better ones first.
  sshOptions: ['-o', 'KexAlgorithms=curve25519-sha256'],

  /** systemd.network(5) matches by MAC, as HWADDR= did in the document's ifcfg-eth0. */
  identity(lab, guest) {
    const network = `[Match]
MACAddress=${guest.mac}

[Network]
Address=${guest.address}/${lab.network.prefix}
LinkLocalAddressing=no
IPv6AcceptRA=no
`;
    return [
      { path: '/etc/hostname', mode: 0o644, text: `${guest.name}\n` },
      { path: '/etc/systemd/network/10-cluster-lab.network', mode: 0o644, text: network },
      { path: '/etc/machine-id', mode: 0o444, text: `${guest.uuid.replaceAll('-', '')}\n` },
      ...loginFiles(lab, guest, ['rsa', 'ecdsa']),
    ];
  },

  async bootState(guest) {
    const state = (await guest.read(['systemctl', 'is-system-running'])).stdout.trim();
    return { done: state === 'running' || state === 'degraded', says: state };
  },
  bootEnds: ['timeout', '20', 'systemctl', 'is-system-running', '--wait'],
};
