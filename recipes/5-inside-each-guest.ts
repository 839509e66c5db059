import { markLine } from '../src/formats/seal.ts';
import { NotYet } from '../src/model/errors.ts';
import type { Chapter, Node } from '../src/model/step.ts';
import type { Guest, Lab } from '../src/spec/lab.ts';
import { dom0Paths } from '../src/spec/paths.ts';
import { stackOf } from '../src/stacks/index.ts';
import { textOf } from '../src/steps/file-content.ts';
import { ownFile } from '../src/steps/own-file.ts';
import { guestDisk } from '../src/steps/guest-disk.ts';
import type { GuestFile } from '../src/steps/guest-files.ts';
import { sshKeyPair } from '../src/steps/keys.ts';
import { systemOf } from '../src/systems/index.ts';
import { toolstackOf } from '../src/toolstacks/index.ts';

const section = 'Creating virtual machines 6';

/** What must differ from guest to guest, and the secrets they share, written while the guests are off. */
export function insideEachGuest(lab: Lab, after: readonly Node[]): Chapter {
  const paths = dom0Paths(lab);
  const login = sshKeyPair(
    { id: '5.login-key', title: 'Make the key that lets dom0 into the guests', section, on: 'dom0', after },
    { path: paths.loginKey, comment: `lab ${lab.name}`, type: paths.keyType },
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
      { path: paths.hostKey(guest), comment: guest.name, type: paths.keyType },
    ),
  );
  // Pinned from the keys that we write into the guests: nothing is trusted because it answered first.
  const knownHosts = ownFile(
    {
      id: '5.known-hosts',
      title: 'Pin the guests’ host keys on dom0',
      section,
      on: 'dom0',
      after: [...after, ...hostKeys],
    },
    lab,
    {
      path: paths.knownHosts,
      mode: 0o644,
      text: async ({ host }) => {
        const keys = await Promise.all(lab.guests.map((guest) => host.readFile(`${paths.hostKey(guest)}.pub`)));
        const lines = lab.guests.map((guest, n) => {
          const key = textOf(keys[n]);
          if (key === undefined) throw new NotYet(`5.host-key-${guest.name}`);
          return `${guest.address} ${key.split(' ').slice(0, 2).join(' ')}\n`;
        });
        return [`${markLine(lab.name)}\n`, ...lines].join('');
      },
    },
  );
  const secrets = stackOf(lab).secrets(lab, after);
  const { inside } = stackOf(lab);
  const ready = [...after, login, ...hostKeys, ...secrets];
  const disks = lab.guests.map((guest) =>
    guestDisk(
      {
        id: `5.disk-${guest.name}`,
        title: `Make ${guest.disk} ${guest.name}’s own`,
        section,
        on: 'dom0',
        after: ready,
      },
      {
        image: guest.disk,
        mount: paths.mount(guest),
        files: guestFiles(lab, guest),
        disk: systemOf(lab).disk,
        ...(inside ? { inside } : {}),
        isRunning: (look) => toolstackOf(lab).isRunning(look, guest),
      },
    ),
  );
  return {
    id: '5',
    title: 'Inside each guest, while it is off',
    nodes: [login, ...hostKeys, knownHosts, ...secrets, ...disks],
  };
}

/** All that a guest's disk must hold. */
export function guestFiles(lab: Lab, guest: Guest): readonly GuestFile[] {
  return [...systemOf(lab).identity(lab, guest), ...stackOf(lab).guestFiles(lab)];
}
