import { NotYet } from '../src/model/errors.ts';
import type { Chapter, Node } from '../src/model/step.ts';
import type { Guest, Lab } from '../src/spec/lab.ts';
import { dom0Paths } from '../src/spec/paths.ts';
import { stackOf } from '../src/stacks/index.ts';
import { directory } from '../src/steps/directory.ts';
import { fileContent, textOf } from '../src/steps/file-content.ts';
import { type GuestFile, guestDisk } from '../src/steps/guest-disk.ts';
import { sshKeyPair } from '../src/steps/keys.ts';
import { toolstackOf } from '../src/toolstacks/index.ts';

const section = 'Creating virtual machines 6';

/** What must differ from guest to guest, and the secrets they share, written while the guests are off. */
export function insideEachGuest(lab: Lab, after: readonly Node[]): Chapter {
  const paths = dom0Paths(lab);
  const state = directory(
    { id: '5.state', title: 'Make a private directory for the lab’s keys', section, on: 'dom0', after },
    { path: paths.state, mode: 0o700 },
  );
  const login = sshKeyPair(
    { id: '5.login-key', title: 'Make the key that lets dom0 into the guests', section, on: 'dom0', after: [state] },
    { path: paths.loginKey, comment: `lab ${lab.name}` },
  );
  const hostKeys = lab.guests.map((guest) =>
    sshKeyPair(
      {
        id: `5.host-key-${guest.name}`,
        title: `Make the ssh host key of ${guest.name}`,
        section,
        on: 'dom0',
        after: [login],
      },
      { path: paths.hostKey(guest), comment: guest.name },
    ),
  );
  // Pinned from the keys that we write into the guests: nothing is trusted because it answered first.
  const knownHosts = fileContent(
    { id: '5.known-hosts', title: 'Pin the guests’ host keys on dom0', section, on: 'dom0', after: hostKeys },
    {
      path: paths.knownHosts,
      text: async ({ host }) => {
        const keys = await Promise.all(lab.guests.map((guest) => host.readFile(`${paths.hostKey(guest)}.pub`)));
        return lab.guests
          .map((guest, n) => {
            const key = textOf(keys[n]);
            if (key === undefined) throw new NotYet(`5.host-key-${guest.name}`);
            return `${guest.address} ${key.split(' ').slice(0, 2).join(' ')}\n`;
          })
          .join('');
      },
    },
  );
  const secrets = stackOf(lab).secrets(lab, [state]);
  const disks = lab.guests.map((guest) =>
    guestDisk(
      {
        id: `5.disk-${guest.name}`,
        title: `Make ${guest.disk} ${guest.name}’s own`,
        section,
        on: 'dom0',
        after: [...after, login, ...hostKeys, ...secrets],
      },
      {
        image: guest.disk,
        mount: paths.mount(guest),
        files: guestFiles(lab, guest),
        isRunning: (look) => toolstackOf(lab).isRunning(look, guest),
      },
    ),
  );
  return {
    id: '5',
    title: 'Inside each guest, while it is off',
    nodes: [state, login, ...hostKeys, knownHosts, ...secrets, ...disks],
  };
}

/** All that a guest's disk must hold. systemd.network(5) matches by MAC, as HWADDR= did in the document's ifcfg-eth0. */
export function guestFiles(lab: Lab, guest: Guest): readonly GuestFile[] {
  const paths = dom0Paths(lab);
  const hosts = ['127.0.0.1 localhost', ...lab.guests.map(({ address, name }) => `${address} ${name}`), ''].join('\n');
  const network = `[Match]
MACAddress=${guest.mac}

[Network]
Address=${guest.address}/${lab.network.prefix}
LinkLocalAddressing=no
IPv6AcceptRA=no
`;
  const hostKey = '/etc/ssh/ssh_host_ed25519_key';
  return [
    { path: '/etc/hostname', mode: 0o644, text: `${guest.name}\n` },
    { path: '/etc/hosts', mode: 0o644, text: hosts },
    { path: '/etc/systemd/network/10-cluster-lab.network', mode: 0o644, text: network },
    { path: '/etc/machine-id', mode: 0o444, text: `${guest.uuid.replaceAll('-', '')}\n` },
    { path: hostKey, mode: 0o600, from: paths.hostKey(guest) },
    { path: `${hostKey}.pub`, mode: 0o644, from: `${paths.hostKey(guest)}.pub` },
    ...['rsa', 'ecdsa'].map((type) => ({ path: `/etc/ssh/ssh_host_${type}_key`, absent: true as const })),
    { path: '/root/.ssh/authorized_keys', mode: 0o600, from: `${paths.loginKey}.pub` },
    { path: lab.fencing.key, mode: 0o600, from: lab.fencing.key },
    ...stackOf(lab).guestFiles(lab),
  ];
}
