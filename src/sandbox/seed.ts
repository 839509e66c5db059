import { type Change, command, file } from '../model/change.ts';
import type { Step } from '../model/step.ts';
import type { Lab } from '../spec/lab.ts';
import { type Placed, textOf } from '../steps/file-content.ts';
import type { SandboxPaths } from './paths.ts';
import { seedBytes } from './seeding.ts';

/**
 * What makes the common dom0 image this lab's dom0, as a tar that dom0 unpacks over its root (seeding.ts).
 * Its host key is in it: the file and its directory are private.
 */
export function seedPacked(placed: Placed, { lab, paths }: { lab: Lab; paths: SandboxPaths }): Step {
  const directory = lab.image.path.slice(0, lab.image.path.lastIndexOf('/')) || '/';
  const files: readonly (readonly [string, number, string])[] = [
    ['/etc/hostname', 0o644, `${lab.name.toLowerCase().replaceAll('_', '-')}-dom0\n`],
    ['/etc/fstab', 0o644, `/dev/vda / ext4 rw,noatime 0 1\n/dev/vdb ${directory} xfs rw,noatime,X-mount.mkdir 0 0\n`],
    ['/etc/network/interfaces.d/bridge', 0o644, bridgeStanza(lab)],
  ];
  const copies = [
    [`${paths.loginKey}.pub`, '/root/.ssh/authorized_keys', '0600'],
    [paths.hostKey, '/etc/ssh/ssh_host_ed25519_key', '0600'],
    [`${paths.hostKey}.pub`, '/etc/ssh/ssh_host_ed25519_key.pub', '0644'],
  ] as const;
  return {
    kind: 'step',
    ...placed,
    async check({ host }): Promise<readonly Change[]> {
      const [tar, running, ...found] = await Promise.all([
        host.stat(paths.seedTar),
        host.readFile(paths.pid),
        ...files.map(([path]) => host.readFile(paths.seed + path)),
      ]);
      // A running dom0 has its seed; a changed one counts from its next boot on.
      const same = tar && files.every(([, , text], n) => textOf(found[n]) === text);
      if (same || (running && tar)) return [];
      return [
        command(['rm', '-rf', paths.seed, paths.seedTar]),
        command(['install', '-d', '-m', '0700', paths.seed, `${paths.seed}/root`, `${paths.seed}/root/.ssh`]),
        ...files.map(([path, mode, text]) => file(paths.seed + path, mode, text)),
        ...copies.map(([from, to, mode]) => command(['install', '-D', '-m', mode, from, paths.seed + to])),
        command(['install', '-m', '0600', '/dev/null', `${paths.seedTar}.new`]),
        command(['tar', '--owner=0', '--group=0', '-C', paths.seed, '-cf', `${paths.seedTar}.new`, 'etc', 'root']),
        command(['truncate', '-s', String(seedBytes), `${paths.seedTar}.new`]),
        command(['mv', `${paths.seedTar}.new`, paths.seedTar]),
      ];
    },
  };
}

/** Guests live on this bridge and never leave it. Without a querier a snooping bridge forgets its listeners, so it does not snoop. */
function bridgeStanza({ network: { bridge, dom0Address, prefix } }: Lab): string {
  return `auto ${bridge}
iface ${bridge} inet static
	address ${dom0Address}/${prefix}
	pre-up ip link add name ${bridge} type bridge forward_delay 0 mcast_snooping 0
	post-down ip link delete ${bridge}
`;
}
