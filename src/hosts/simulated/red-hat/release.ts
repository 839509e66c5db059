import type { Tree } from '../tree.ts';

/** Made by rc.local, the last init script of a boot (initscripts of RHEL 5 and 6). */
export const bootedMark = '/var/lock/subsys/local';

const releaseFile = '/etc/redhat-release';

/** Whether a machine's files are those of a Red Hat of the document's day: init scripts, rpm, ifcfg files. */
export function isRedHat(tree: Tree): boolean {
  return tree.has(releaseFile);
}

/** 5 or 6; undefined for what is no Red Hat. RHEL 5 has cman 2.x, RHEL 6 has 3.x. */
export function majorOf(tree: Tree): number | undefined {
  const release = /release (\d+)/.exec(tree.text(releaseFile) ?? '')?.[1];
  return release === undefined ? undefined : Number(release);
}

export const releases = {
  5: {
    text: 'Red Hat Enterprise Linux Server release 5.1 (Tikanga)\n',
    kernel: '2.6.18-53.el5xen',
    ssh: 'OpenSSH_4.3',
  },
  6: {
    text: 'Red Hat Enterprise Linux Server release 6.0 (Santiago)\n',
    kernel: '2.6.32-71.el6.x86_64',
    ssh: 'OpenSSH_5.3',
  },
} as const;

/** What of a release shows in its programs. */
export function releaseOf(tree: Tree): (typeof releases)[5 | 6] {
  return releases[majorOf(tree) === 6 ? 6 : 5];
}

export function writeRelease(tree: Tree, major: 5 | 6): void {
  tree.write(releaseFile, releases[major].text);
}

/** rc.sysinit takes the name from /etc/sysconfig/network. */
export function hostnameOf(tree: Tree): string {
  return /^HOSTNAME="?([^"\s]+)/m.exec(tree.text('/etc/sysconfig/network') ?? '')?.[1] ?? 'localhost.localdomain';
}
