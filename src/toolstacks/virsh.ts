import { readDomainXml } from '../formats/domain-xml.ts';
import { LabError } from '../model/errors.ts';
import type { Argv, Ran, Reader } from '../model/host.ts';
import { once } from '../model/once.ts';

/**
 * virsh on this dom0's Xen, which is on the same machine: a libvirtd that says nothing for half a minute is busy, not gone (-k 0; seen
 * on an emulated dom0: `Disconnected from xen:///system due to keepalive timeout`). A domain made by `xl create` is invisible here, and so to fence_virtd.
 */
export function virsh(...args: readonly [string, ...string[]]): Argv {
  return ['virsh', '-k', '0', '-c', 'xen:///system', ...args];
}

/**
 * All domains that libvirt knows, and their states: running, idle, paused, in shutdown, shut off, crashed, and dying. One look serves all
 * steps of a batch, where `virsh domstate` would be a process for each domain (and in an emulated dom0 that is what costs).
 */
export async function domainStates(dom0: Reader): Promise<ReadonlyMap<string, string>> {
  const ran = await dom0.read(virsh('list', '--all'));
  // 127: libvirt's tools are not installed yet, so it knows no domain.
  if (ran.code !== 0 && ran.code !== 127) {
    throw new LabError(
      `on ${dom0.name}: virsh list --all: ${ran.stderr.trim() || `exit code ${ran.code}`}`,
      'is libvirtd running there? systemctl status libvirtd',
    );
  }
  return statesIn(ran);
}

const statesIn = once(({ stdout }: Ran): ReadonlyMap<string, string> => {
  const rows = [...stdout.matchAll(/^ *(\d+|-) +(\S+) +(\S.*?) *$/gm)];
  // Shut off, and with an id: Xen is still taking it apart, its disks and its bridge port are in use (seen with libvirt 9.0).
  const stateOf = (id: string, state: string) => (id !== '-' && state === 'shut off' ? 'dying' : state);
  return new Map(rows.map(([, id = '', name = '', state = '']) => [name, stateOf(id, state)]));
});

/** The state of one domain; undefined for one that libvirt does not know. */
export async function domainState(dom0: Reader, name: string): Promise<string | undefined> {
  return (await domainStates(dom0)).get(name);
}

export function isAlive(state: string | undefined): boolean {
  return state !== undefined && state !== 'shut off' && state !== 'crashed';
}

/**
 * The XML that libvirt keeps of each domain but dom0, or of those that run as they run, by name. One virsh(1) takes several commands, told apart by `;`: a
 * process of it is what costs. A domain with a name of other characters is asked about alone.
 */
export async function domainDefinitions(
  dom0: Reader,
  which: 'defined' | 'running' = 'defined',
): Promise<ReadonlyMap<string, string>> {
  const printed = await Promise.all(dumps[which](await domainStates(dom0)).map((argv) => dom0.read(argv)));
  const [first, ...others] = printed.map(definitionsIn);
  return others.length === 0 && first ? first : new Map([first ?? [], ...others].flatMap((some) => [...some]));
}

const isPlain = (name: string) => /^[\w.-]+$/.test(name);

/** The commands that print the definitions of all domains, for the states that were found. */
const dumpsOf = (...inactive: readonly string[]) =>
  once((states: ReadonlyMap<string, string>): readonly Argv[] => {
    const names = [...states.keys()].filter((name) => name !== 'Domain-0');
    const dumped = names.filter(isPlain).map((name) => ['dumpxml', ...inactive, name].join(' '));
    return [
      ...(dumped.length === 0 ? [] : [virsh(dumped.join('; '))]),
      ...names.filter((name) => !isPlain(name)).map((name) => virsh('dumpxml', ...inactive, name)),
    ];
  });
const dumps = { defined: dumpsOf('--inactive'), running: dumpsOf() };

const definitionsIn = once(({ stdout }: Ran): ReadonlyMap<string, string> => {
  const xml = stdout.match(/<domain [^]*?<\/domain>/g) ?? [];
  return new Map(xml.map((text) => [readDomainXml(text).name, text]));
});

/** The XML that libvirt keeps of a domain; undefined if it does not know it. */
export async function domainDefinition(dom0: Reader, name: string): Promise<string | undefined> {
  return (await domainDefinitions(dom0)).get(name);
}
