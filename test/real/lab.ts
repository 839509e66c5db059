import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readLab } from '../../src/spec/read.ts';

/*
 * The built command line as a process, on the sandbox's real Xen. The sandbox is a new one, under a state directory and a name
 * of its own; the images come from the user's cache, where a first run leaves them. With LAB_REAL_DIR it is the one that is up
 * there: a directory with lab.yaml, and `state` if that is not where XDG_STATE_HOME says.
 */

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

export interface StepLine {
  readonly event: 'step';
  readonly id: string;
  readonly chapter: string;
  readonly verdict: string;
  readonly changes: readonly {
    is: string;
    argv?: string[];
    path?: string;
    sha256?: string;
    says?: string;
    input?: string;
  }[];
  readonly ms: number;
  readonly error?: { message: string };
}

const given = process.env.LAB_REAL_DIR;
/** The lab is somebody's, and up: nothing is built for it, and it stays. */
export const isGiven = given !== undefined;
export const directory = given === undefined ? mkdtempSync(join(tmpdir(), 'labtest-')) : resolve(given);
export const file = join(directory, 'lab.yaml');
// A longer token than the default: an emulated guest on a busy machine was once silent for 21 s, and fenced for it.
if (!isGiven)
  writeFileSync(
    file,
    'name: labtest\nhost: sandbox\nguests:\n  molly: {}\n  frederick: {}\ncluster: { token: 45000 }\n',
  );
export const spec = readLab(readFileSync(file, 'utf8'), file);
export const { name } = spec;

const program = resolve('dist/lab.js');
const state = join(directory, 'state');
export const environment: NodeJS.ProcessEnv = {
  ...process.env,
  CI: 'true',
  ...(!isGiven || existsSync(state) ? { XDG_STATE_HOME: state } : {}),
};

/** Starts `lab`, and tells when it has ended. */
export function start(
  args: readonly string[],
  more: NodeJS.ProcessEnv = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const began = performance.now();
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...environment, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((done) => {
    child.on('close', (code, signal) =>
      done({ code, signal, stdout, stderr, seconds: (performance.now() - began) / 1000 }),
    );
  });
  return { child, ended };
}

export function lab(args: readonly string[], more?: NodeJS.ProcessEnv): Promise<Ended> {
  return start(args, more).ended;
}

/** Kills the run with SIGKILL as soon as it says something. */
export async function killedAt(args: readonly string[], says: RegExp): Promise<Ended> {
  const { child, ended } = start(args);
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
    if (says.test(text)) child.kill('SIGKILL');
  });
  return ended;
}

/** The steps of a run with `--json`. */
export function steps({ stdout }: Ended): readonly StepLine[] {
  return lines(stdout).filter((line): line is StepLine => line.event === 'step');
}

export function summary({ stdout }: Ended): Record<string, number> {
  return lines(stdout).at(-1) as unknown as Record<string, number>;
}

/** The events of a run with `--json`, a line each. */
export function lines(text: string): { event: string }[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** What a change does, as one text that can be compared. */
export function essence(change: StepLine['changes'][number]): string {
  return change.is === 'command'
    ? [...(change.argv ?? []), change.input ?? ''].join(' ')
    : [change.is, change.path, change.sha256, change.says].join(' ');
}

/** Runs a command on dom0. */
export async function onDom0(script: string): Promise<string> {
  const { code, stdout, stderr } = await lab(['sandbox', 'ssh', '--file', file, '--', 'sh', '-c', script]);
  if (code !== 0) throw new Error(`on dom0: ${script}: exit code ${code}: ${stderr}`);
  return stdout;
}

/** Runs a shell script in a guest. */
export async function inGuest(guest: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await lab(['ssh', guest, '--file', file, '--host', 'sandbox', '--', script]);
  if (code !== 0) throw new Error(`in ${guest}: ${script}: exit code ${code}: ${stderr}`);
  return stdout;
}

/**
 * Everything on dom0 by which one could tell that a lab was there, a line each: files with mode, owner, link and (below /etc)
 * content, their attributes, units that run (those enabled are links), domains, network, mounts, loop devices. Logs, caches and what is gone after a boot do not count,
 * nor what libvirt, libxl and the kernel make for themselves: a directory for its domains; what libxl noted of a domain, which it leaves
 * behind for good if dom0 loses its power under it; an address fe80:: on a bridge that had a guest; and a
 * domain's id in the name of its vif.
 */
export async function dom0Tree(): Promise<readonly string[]> {
  const gone = [
    'proc',
    'sys',
    'run',
    'dev',
    'tmp',
    'var/log',
    'var/cache',
    'var/tmp',
    'root/.bash_history',
    'etc/libvirt/libxl',
  ];
  const prune = gone.map((path) => `-path ./${path}`).join(' -o ');
  const text = await onDom0(
    [
      `cd / && find . ./guests -xdev \\( ${prune} \\) -prune -o ! -path "./var/lib/xen/userdata-d.*" -printf "%M %u %g %p %l\\n" | sort -u`,
      'find /etc /root /guests -xdev -type f -size -1M -exec sha256sum {} + | sort -k2',
      'find /etc /guests /var/lib -print0 | sort -z | xargs -0 getfattr -h -d -m "^(user|trusted)" --absolute-names 2>/dev/null | grep -v "^$"',
      'systemctl list-units --type=service,socket --state=active,failed --no-legend --plain --no-pager | cut -d" " -f1',
      'virsh -c xen:///system list --all --name | sort; virsh -c xen:///system net-list --all --name; xl list | cut -d" " -f1 | sort',
      'ip -o link | cut -d: -f2 | sed "s/vif[0-9]*/vif/" | sort; ip -o address | grep -v " fe80:" | tr -s " " | cut -d" " -f2-4; grep . /sys/class/net/*/bridge/multicast_*; nft list ruleset',
      'cut -d" " -f1-3 /proc/mounts | sort; losetup -a',
    ].join('; '),
  );
  return text.split('\n');
}

/** A checksum of all that lab could touch on dom0. Disks of running guests change by themselves, so they count only while those are off. */
export async function dom0Checksum(withDisks: boolean): Promise<string> {
  const disks = withDisks ? 'for f in /guests/*; do stat -c "%n %s %b %y" "$f"; done;' : 'ls /guests;';
  const texts = 'find /etc /var/lib/cluster-lab -xdev -type f -exec sha256sum {} + 2>/dev/null | sort -k2;';
  const domains =
    'for d in $(virsh -c xen:///system list --all --name); do [ $d = Domain-0 ] || virsh -c xen:///system dumpxml --inactive $d; done;';
  return onDom0(
    `{ ${disks} ${texts} ${domains} cat /proc/mounts; losetup -a; systemctl is-active fence_virtd; } | sha256sum`,
  );
}
