import { md5 } from './bytes.ts';
import { fail, getopt, type Handler, ok } from './call.ts';
import type { Tree } from './tree.ts';
import { daemonReload, units } from './unit-files.ts';

const statusPath = '/var/lib/dpkg/status';

/** Which package brings a program. A program of none of them is always there (coreutils, util-linux, systemd). */
export const packageOf: Readonly<Record<string, string>> = {
  cibadmin: 'pacemaker-cli-utils',
  'corosync-cfgtool': 'corosync',
  'corosync-cmapctl': 'corosync',
  'corosync-quorumtool': 'corosync',
  crm_mon: 'pacemaker-cli-utils',
  crm_node: 'pacemaker-cli-utils',
  crm_resource: 'pacemaker-cli-utils',
  fence_xvm: 'fence-virt',
  getfattr: 'attr',
  gfs2_edit: 'gfs2-utils',
  gfs2_jadd: 'gfs2-utils',
  ip: 'iproute2',
  mke2fs: 'e2fsprogs',
  'mkfs.gfs2': 'gfs2-utils',
  mmdebstrap: 'mmdebstrap',
  ping: 'iputils-ping',
  sbd: 'sbd',
  setfattr: 'attr',
  ss: 'iproute2',
  'ssh-keygen': 'openssh-client',
  'ssh-keyscan': 'openssh-client',
  stonith_admin: 'pacemaker-cli-utils',
  virsh: 'libvirt-clients',
  xl: 'xen-utils-common',
};

/** What comes along with a package, as far as it matters here. */
const dependencies: Readonly<Record<string, readonly string[]>> = {
  'xen-system-amd64': ['xen-hypervisor-4.17-amd64', 'xen-utils-4.17', 'xen-utils-common', 'xenstore-utils'],
  'libvirt-daemon-system': ['libvirt-daemon'],
  'openssh-server': ['openssh-client'],
  'systemd-sysv': ['systemd'],
  pacemaker: ['corosync'],
};

/** Configuration that comes with a package: Debian's own for fence_virtd fits nothing here (facts/fencing.md), sbd's names no disk. */
const configuration: Readonly<Record<string, { readonly package: string; readonly text: string }>> = {
  '/etc/default/sbd': {
    package: 'sbd',
    text: 'SBD_PACEMAKER=yes\nSBD_STARTMODE=always\nSBD_DELAY_START=no\nSBD_WATCHDOG_DEV=/dev/watchdog\nSBD_WATCHDOG_TIMEOUT=5\nSBD_TIMEOUT_ACTION=flush,reboot\nSBD_MOVE_TO_ROOT_CGROUP=auto\nSBD_SYNC_RESOURCE_STARTUP=yes\nSBD_OPTS=\n',
  },
  '/etc/fence_virt.conf': {
    package: 'fence-virtd',
    text: `fence_virtd {
	listener = "multicast";
	backend = "libvirt";
}

listeners {
	multicast {
		key_file = "/etc/fence_virt.key";
		address = "225.0.0.12";
		family = "ipv4";
		port = "1229";
		interface = "virbr0";
	}
}

backends {
	libvirt {
		uri = "qemu:///system";
	}
}
`,
  },
};

/** Packages that a Debian mirror would not know: found out by installing them. */
const known = new Set([
  ...Object.values(packageOf),
  ...Object.keys(dependencies),
  ...Object.values(dependencies).flat(),
  ...Object.values(units).map((unit) => unit.package),
  ...[
    'dbus',
    'dlm-controld',
    'fence-virt',
    'gfs2-utils',
    'initramfs-tools',
    'kmod',
    'libvirt-daemon-driver-xen',
    'tiny-initramfs',
    'xz-utils',
  ],
  ...['linux-image-amd64', 'netbase', 'procps', 'qemu-system-xen', 'resource-agents', 'udev', 'zstd', 'xfsprogs'],
  ...['bridge-utils', 'ifupdown', 'psmisc', 'uuid-runtime', 'iputils-arping', 'sbd', 'virtinst', 'curl'],
]);

/** Names and states, from dpkg's own file. */
export function packageStates(tree: Tree): ReadonlyMap<string, string> {
  const text = tree.text(statusPath) ?? '';
  if (text !== latest.text) latest = { text, states: statesIn(text) };
  return latest.states;
}

/** Many ask about the same packages, one after the other. */
let latest: { readonly text: string; readonly states: ReadonlyMap<string, string> } = { text: '', states: new Map() };

function statesIn(text: string): ReadonlyMap<string, string> {
  const paragraphs = text.split('\n\n');
  return new Map(
    paragraphs.flatMap((paragraph) => {
      const [name, state] = [/^Package: (.*)$/m, /^Status: \S+ \S+ (.*)$/m].map((line) => line.exec(paragraph)?.[1]);
      return name && state ? [[name, state] as const] : [];
    }),
  );
}

export function isInstalled(tree: Tree, name: string): boolean {
  return packageStates(tree).get(name) === 'installed';
}

/** Sets packages and what they need to a state: `unpacked`, then `installed`. Unit files and their links come with them. */
export function setPackages(tree: Tree, names: readonly string[], state: 'unpacked' | 'installed'): void {
  const all = new Set(names.flatMap((name) => [name, ...(dependencies[name] ?? [])]));
  const states = packageStates(tree);
  const fresh = [...all].filter((name) => states.get(name) !== 'installed');
  for (const [unit, { package: owner, enabled, description }] of Object.entries(units)) {
    if (state !== 'installed' || !fresh.includes(owner)) continue;
    tree.write(`/lib/systemd/system/${unit}.service`, `[Unit]\nDescription=${description}\n`);
    if (enabled) enable(tree, unit);
  }
  for (const [path, { package: owner, text }] of Object.entries(configuration))
    if (state === 'installed' && fresh.includes(owner) && !tree.has(path)) tree.write(path, text);
  const merged = new Map([...states, ...fresh.map((name) => [name, state] as const)]);
  const text = [...merged].map(([name, now]) => `Package: ${name}\nStatus: install ok ${now}\nArchitecture: amd64\n`);
  tree.write(statusPath, text.join('\n'));
}

/** The links that an enabled unit has: below whatever wants or requires it (systemd.unit(5), [Install]). */
function linksOf(unit: string): readonly string[] {
  const requiring = units[unit]?.requiredBy?.map((other) => `${other}.service.requires`);
  return (requiring ?? ['multi-user.target.wants']).map((name) => `/etc/systemd/system/${name}/${unit}.service`);
}

export function enable(tree: Tree, unit: string): string {
  const said = linksOf(unit).map((link) => {
    tree.link(link, `/lib/systemd/system/${unit}.service`);
    return `Created symlink ${link} → /lib/systemd/system/${unit}.service.\n`;
  });
  return said.join('');
}

export function disable(tree: Tree, unit: string): string {
  const links = linksOf(unit).filter((link) => tree.has(link));
  for (const link of links) tree.remove(link);
  return links.map((link) => `Removed "${link}".\n`).join('');
}

export function isEnabled(tree: Tree, unit: string): boolean {
  return linksOf(unit).some((link) => tree.has(link));
}

/** dpkg-query(1) -W -f FORMAT NAME…: rc 1 when one is unknown, and the others are listed all the same (measured). */
const dpkgQuery: Handler = ({ machine: { tree }, args }) => {
  const options = getopt(args, ['-W'], ['-f', '--showformat']);
  const format = options.value('-f', '--showformat');
  if (!options.has('-W') || format === undefined) return fail(2, 'dpkg-query: error: simulated with -W and -f only');
  const states = packageStates(tree);
  const row = (name: string, state: string) => {
    const fields: Readonly<Record<string, string>> = {
      Package: name,
      Status: `install ok ${state}`,
      'db:Status-Status': state,
      Version: '1.0-1',
      Conffiles: Object.entries(configuration)
        .filter(([, { package: owner }]) => owner === name)
        .map(([path, { text: shipped }]) => ` ${path} ${md5(shipped)}`)
        .join('\n'),
    };
    const text = format.replaceAll('\\n', '\n').replaceAll('\\t', '\t');
    return text.replaceAll(/\$\{([^}]*)\}/g, (_, field: string) => fields[field] ?? '');
  };
  const rows = options.rest.map((name) => ({ name, state: states.get(name) }));
  const unknown = rows.filter(({ state }) => state === undefined);
  return {
    code: unknown.length > 0 ? 1 : 0,
    stdout: rows.map(({ name, state }) => (state === undefined ? '' : row(name, state))).join(''),
    stderr: unknown.map(({ name }) => `dpkg-query: no packages found matching ${name}\n`).join(''),
  };
};

/** apt-get(8) update and install. Killed midway, the packages are unpacked and not configured. */
const aptGet: Handler = ({ world, machine, args, midway }) => {
  const { tree } = machine;
  const options = getopt(args, ['--yes', '-y', '--no-install-recommends', '--quiet', '-q', '-qq'], ['-o']);
  const [action, ...names] = options.rest;
  if (action === 'update') return ok('Reading package lists...\n');
  if (action !== 'install') return fail(100, `E: Invalid operation ${action ?? ''}`);
  const unknown = names.find((name) => !known.has(name));
  if (unknown !== undefined) return fail(100, `E: Unable to locate package ${unknown}`, 'Reading package lists...\n');
  if (!options.has('--yes', '-y')) return fail(1, 'Abort.', 'Do you want to continue? [Y/n] Abort.\n');
  setPackages(tree, names, 'unpacked');
  midway();
  setPackages(tree, names, 'installed');
  daemonReload(machine); // the packages' scripts do
  world.state.clock += 20;
  return ok(names.map((name) => `Setting up ${name} (1.0-1) ...\n`).join(''));
};

export function isKnownPackage(name: string): boolean {
  return known.has(name);
}

export const packages: Readonly<Record<string, Handler>> = { 'apt-get': aptGet, 'dpkg-query': dpkgQuery };
