import { fail, type Handler, ok, type Result } from '../call.ts';
import type { Tree } from '../tree.ts';
import { hasRpm } from './rpms.ts';

interface Script {
  readonly name: string;
  /** The package that brings it. */
  readonly rpm: string;
  /** Start and kill priorities, from its `# chkconfig:` line. */
  readonly start: number;
  readonly kill: number;
  /** The only release that has it. */
  readonly major?: 5;
  /** On in runlevels 2 to 5 once the package is in: in RHEL 5, in 6. The cluster's are on in 5 (facts/cman.md). */
  readonly on: readonly (5 | 6)[];
}

/** The init scripts that matter here. */
export const scripts: readonly Script[] = [
  { name: 'network', rpm: 'initscripts', start: 10, kill: 90, on: [5, 6] },
  { name: 'cman', rpm: 'cman', start: 21, kill: 79, on: [5] },
  // cman 3 starts qdiskd itself (cman/init.d/cman.in).
  { name: 'qdiskd', rpm: 'cman', start: 22, kill: 78, on: [5], major: 5 },
  { name: 'NetworkManager', rpm: 'NetworkManager', start: 23, kill: 84, on: [6] },
  { name: 'clvmd', rpm: 'lvm2-cluster', start: 24, kill: 76, on: [5] },
  { name: 'gfs2', rpm: 'gfs2-utils', start: 26, kill: 74, on: [5] },
  { name: 'sshd', rpm: 'openssh-server', start: 55, kill: 25, on: [5, 6] },
  { name: 'xend', rpm: 'xen', start: 98, kill: 1, on: [5] },
  { name: 'rgmanager', rpm: 'rgmanager', start: 99, kill: 1, on: [5] },
];

const levels = [0, 1, 2, 3, 4, 5, 6];
const scriptPath = (name: string) => `/etc/rc.d/init.d/${name}`;
const number = (priority: number) => String(priority).padStart(2, '0');

/** Init scripts of the packages that are in, and their links in /etc/rc.d. */
export function installScripts(tree: Tree, major: 5 | 6): void {
  tree.makeDirectory('/etc/rc.d/init.d');
  for (const level of levels) tree.makeDirectory(`/etc/rc.d/rc${level}.d`);
  tree.link('/etc/init.d', 'rc.d/init.d');
  for (const level of levels) tree.link(`/etc/rc${level}.d`, `rc.d/rc${level}.d`);
  for (const { name, rpm, start, kill, on, major: only } of scripts) {
    if (only !== undefined && only !== major) continue;
    if (!hasRpm(tree, rpm) || tree.has(scriptPath(name))) continue;
    tree.write(scriptPath(name), `#!/bin/bash\n# chkconfig: - ${number(start)} ${number(kill)}\n`, 0o755);
    setLinks(tree, name, on.includes(major));
  }
}

/** The runlevels in which a service is on; undefined if no link knows it. */
function onIn(tree: Tree, name: string): readonly number[] | undefined {
  const links = levels.map((level) => ({
    level,
    link: tree.list(`/etc/rc.d/rc${level}.d`)?.find((at) => /^[SK]\d\d/.test(at) && at.slice(3) === name),
  }));
  if (links.every(({ link }) => link === undefined)) return undefined;
  return links.filter(({ link }) => link?.startsWith('S')).map(({ level }) => level);
}

/** Whether a service is started at boot: runlevel 3. */
export function isOn(tree: Tree, name: string): boolean {
  return onIn(tree, name)?.includes(3) ?? false;
}

/** What init starts in runlevel 3, in its order. */
export function startedAtBoot(tree: Tree): readonly string[] {
  const links = tree.list('/etc/rc.d/rc3.d') ?? [];
  return links
    .filter((link) => /^S\d\d/.test(link) && tree.has(`/etc/rc.d/rc3.d/${link}`))
    .map((link) => link.slice(3));
}

/** Runlevels 2 to 5, as the scripts' headers say. */
function setLinks(tree: Tree, name: string, on: boolean): void {
  const [, start = '', kill = ''] = /^# chkconfig: \S+ (\d\d) (\d\d)$/m.exec(tree.text(scriptPath(name)) ?? '') ?? [];
  for (const level of levels) {
    const directory = `/etc/rc.d/rc${level}.d`;
    for (const link of tree.list(directory) ?? [])
      if (/^[SK]\d\d/.test(link) && link.slice(3) === name) tree.remove(`${directory}/${link}`);
    const runs = on && level >= 2 && level <= 5;
    tree.link(`${directory}/${runs ? `S${start}` : `K${kill}`}${name}`, `../init.d/${name}`);
  }
}

function row(tree: Tree, name: string): string {
  const on = onIn(tree, name) ?? [];
  return `${name.padEnd(15)}\t${levels.map((level) => `${level}:${on.includes(level) ? 'on' : 'off'}`).join('\t')}\n`;
}

/** chkconfig(8) on the files of a machine, or of a disk that is mounted on dom0. */
export function chkconfigIn(tree: Tree, args: readonly string[]): Result {
  const [first = '', second] = args;
  const name = first === '--list' ? second : first;
  const names = tree.list('/etc/rc.d/init.d') ?? [];
  if (first === '--list' && name === undefined)
    return ok(
      names
        .filter((at) => onIn(tree, at))
        .map((at) => row(tree, at))
        .join(''),
    );
  if (name === undefined || name.startsWith('-')) return fail(1, 'chkconfig: not simulated');
  if (!names.includes(name)) return fail(1, `error reading information on service ${name}: No such file or directory`);
  if (first === '--list') {
    if (onIn(tree, name)) return ok(row(tree, name));
    const hint = `(run 'chkconfig --add ${name}')`;
    return fail(1, `service ${name} supports chkconfig, but is not referenced in any runlevel ${hint}`);
  }
  if (second === undefined) return { code: isOn(tree, name) ? 0 : 1 };
  if (second !== 'on' && second !== 'off') return fail(1, 'chkconfig: not simulated');
  setLinks(tree, name, second === 'on');
  return ok();
}

export const chkconfig: Handler = ({ machine: { tree }, args }) => chkconfigIn(tree, args);
