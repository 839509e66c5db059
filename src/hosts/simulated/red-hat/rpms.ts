import { fail, getopt, type Handler } from '../call.ts';
import type { Tree } from '../tree.ts';

/** The database of installed packages: a file of the tree, a line each. The real one is a Berkeley DB of this name. */
const database = '/var/lib/rpm/Packages';

/** Which package brings a program, in RHEL 5. A program of none of them is always there (coreutils, initscripts, bash). */
export const rpmOf: Readonly<Record<string, string>> = {
  ccs_config_validate: 'cman',
  clustat: 'rgmanager',
  cman_tool: 'cman',
  fence_node: 'cman',
  fence_xvm: 'cman',
  fence_xvmd: 'cman',
  flock: 'util-linux',
  getfattr: 'attr',
  gfs2_jadd: 'gfs2-utils',
  ip: 'iproute',
  killall: 'psmisc',
  losetup: 'util-linux',
  blkid: 'e2fsprogs',
  cmp: 'diffutils',
  mke2fs: 'e2fsprogs',
  'mkfs.gfs2': 'gfs2-utils',
  mkqdisk: 'cman',
  mount: 'util-linux',
  ping: 'iputils',
  setfattr: 'attr',
  sfdisk: 'util-linux',
  ss: 'iproute',
  'ssh-keygen': 'openssh',
  'ssh-keyscan': 'openssh-clients',
  umount: 'util-linux',
  'virt-install': 'python-virtinst',
  xm: 'xen',
};

/** Programs that moved between packages, or came, with RHEL 6. */
export const rpmOf6: Readonly<Record<string, string>> = {
  ...rpmOf,
  fence_xvm: 'fence-virt',
  blkid: 'util-linux-ng',
  flock: 'util-linux-ng',
  losetup: 'util-linux-ng',
  mount: 'util-linux-ng',
  sfdisk: 'util-linux-ng',
  umount: 'util-linux-ng',
};

/** Versions as in RHEL 5.1, where they matter to anybody. */
const versions: Readonly<Record<string, string>> = {
  attr: '2.4.32-1.1',
  cman: '2.0.98-1.el5',
  coreutils: '5.97-12.1.el5',
  e2fsprogs: '1.39-10.el5',
  'gfs2-utils': '0.1.38-1.el5',
  initscripts: '8.45.17.EL-1',
  iproute: '2.6.18-4.el5',
  iputils: '20020927-43.el5',
  'kernel-xen': '2.6.18-53.el5',
  'lvm2-cluster': '2.02.26-1.el5',
  openssh: '4.3p2-24.el5',
  'openssh-clients': '4.3p2-24.el5',
  'openssh-server': '4.3p2-24.el5',
  'python-virtinst': '0.103.0-3.el5',
  rgmanager: '2.0.31-1.el5',
  'util-linux': '2.13-0.45.el5',
  xen: '3.0.3-41.el5',
};

const versions6: Readonly<Record<string, string>> = {
  cman: '3.0.12-23.el6',
  coreutils: '8.4-9.el6',
  'fence-virt': '0.2.1-5.el6',
  'gfs2-utils': '3.0.12-23.el6',
  initscripts: '9.03.17-1.el6',
  kernel: '2.6.32-71.el6',
  'lvm2-cluster': '2.02.72-8.el6',
  NetworkManager: '0.8.1-5.el6',
  'openssh-server': '5.3p1-20.el6',
  rgmanager: '3.0.12-10.el6',
};

function installed(tree: Tree): ReadonlyMap<string, string> {
  const lines = tree.text(database)?.split('\n').filter(Boolean) ?? [];
  return new Map(lines.map((line) => line.split(' ') as [string, string]));
}

export function hasRpm(tree: Tree, name: string): boolean {
  return installed(tree).has(name);
}

/** `2.0.98-1.el5` */
export function rpmVersion(tree: Tree, name: string): string | undefined {
  return installed(tree).get(name);
}

/** @param special versions that are not the usual ones */
export function setRpms(
  tree: Tree,
  names: readonly string[],
  major: 5 | 6,
  special: Readonly<Record<string, string>> = {},
): void {
  const usual = major === 6 ? versions6 : versions;
  const all = new Map([
    ...installed(tree),
    ...names.map((name) => [name, special[name] ?? usual[name] ?? '1.0-1'] as const),
  ]);
  tree.write(
    database,
    [...all]
      .sort()
      .map(([name, version]) => `${name} ${version}\n`)
      .join(''),
  );
}

/** rpm(8) -q NAME…: it ends with the number of those that are missing, and says so on stdout. */
export const rpm: Handler = ({ machine: { tree }, args }) => {
  const options = getopt(args, ['-q', '--quiet'], ['--qf', '--queryformat']);
  const format = options.value('--qf', '--queryformat');
  if (!options.has('-q') || options.rest.length === 0) return fail(1, 'rpm: only -q NAME is simulated');
  const known = installed(tree);
  const lines = options.rest.map((name) => {
    const version = known.get(name);
    if (version === undefined) return `package ${name} is not installed\n`;
    if (format === undefined) return `${name}-${version}\n`;
    const fields: Readonly<Record<string, string>> = {
      NAME: name,
      VERSION: version.split('-')[0] ?? '',
      RELEASE: version.split('-')[1] ?? '',
    };
    return format.replaceAll('\\n', '\n').replaceAll(/%\{([A-Z]*)\}/g, (_, field: string) => fields[field] ?? '(none)');
  });
  return { code: options.rest.filter((name) => !known.has(name)).length, stdout: lines.join('') };
};
