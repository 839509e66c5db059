import { fingerprint } from '../../model/fingerprint.ts';
import { logEntry } from './journal.ts';
import type { FenceGroup, FenceListener } from './state.ts';
import type { Started } from './units.ts';
import type { Machine, World } from './world.ts';

/**
 * fence_virtd 4.12: what it reads when it starts, and why it does not (facts/fencing.md, facts/diagnosis.md). It forces
 * mode 0600 on its key and its configuration.
 */
export function startListener(world: World, machine: Machine, unit = 'fence_virtd'): Started {
  const { tree, state, name } = machine;
  const fails = (...lines: string[]): Started => ({ is: 'failed', lines });
  const command = commandOf(state.loaded[unit] ?? '');
  if (typeof command === 'string') return fails(command);
  // Edits from outside the world are as new as this start, at the latest.
  if (world.changing) tree.adopt('/etc');
  const text = tree.text(command.conf);
  const read = text === undefined ? undefined : readSettings(text);
  if (!read) return fails(`Error parsing ${command.conf}`, 'Failed to open/parse configuration file.');
  const { settings, groups } = read;
  const keyPath = settings.get('listeners/multicast/key_file') ?? '/etc/cluster/fence_xvm.key';
  const key = tree.read(keyPath);
  if (settings.get('fence_virtd/listener') !== 'multicast') return fails('Could not find listener');
  if (settings.get('fence_virtd/backend') !== 'libvirt') return fails('Could not find backend');
  if (!key || key.length === 0)
    return fails(`Could not read key file ${keyPath}`, 'Listener plugin failed to initialize.');
  const port = Number(settings.get('listeners/multicast/port') ?? 1229);
  const uri = settings.get('backends/libvirt/uri') ?? 'qemu:///system';
  if (!/^xen:\/\/(\/|\/system)?$/.test(uri) || state.services.libvirtd?.active !== 'active')
    return fails('Could not connect to any hypervisors', 'Backend plugin libvirt failed to initialize');
  const taken = Object.values(state.services).find(({ listener }) => listener?.port === port);
  if (taken)
    return fails(
      'bind failed: Address already in use',
      'Could not set up multicast listen socket',
      'Listener plugin multicast failed to initialize',
    );
  const listener: FenceListener = {
    address: settings.get('listeners/multicast/address') ?? '225.0.0.12',
    port,
    interface: settings.get('listeners/multicast/interface') ?? '',
    ...(groups.length > 0 ? { groups } : {}),
    key: fingerprint(key.subarray(0, 4096)),
    verbose: command.verbose,
  };
  const refused = refusedGroup(machine, listener, settings.get('listeners/multicast/family') ?? 'ipv4');
  if (refused) return fails(...refused, noSocket, 'Listener plugin multicast failed to initialize');
  const said = (line: string) =>
    logEntry(world, name, unit, `${command.identifier}[${state.services[unit]?.pid}]`, line);
  if (command.verbose)
    for (const entry of ['key_file', 'family', 'address', 'port', 'interface'])
      said(`Got ${settings.get(`listeners/multicast/${entry}`) ?? ''} for ${entry}`);
  if (!command.foreground) said('fence_virtd starting.  Listener: multicast  Backend: libvirt');
  return { is: 'running', listener };
}

/**
 * How the unit starts it. In the foreground and with -d2 it prints each request; through stdbuf -oL line by line, otherwise
 * its output stays in its buffer (measured). A message where systemd refuses the unit.
 */
function commandOf(
  dropIns: string,
): { verbose: boolean; foreground: boolean; identifier: string; conf: string } | string {
  const stock = '/etc/fence_virt.conf';
  const lines = [...dropIns.matchAll(/^ExecStart=(.*)$/gm)].map((match) => match[1] ?? '');
  const commands = lines.slice(lines.lastIndexOf('') + 1);
  if (lines.length === 0) return { verbose: false, foreground: false, identifier: 'fence_virtd', conf: stock };
  // A drop-in adds to the distribution's command; a unit file of its own has none before.
  const isDropIn = !/^\[Unit\]/m.test(dropIns);
  if ((isDropIn && !lines.includes('')) || commands.length !== 1)
    return 'Service has more than one ExecStart= setting, which is only allowed for Type=oneshot services. Refusing.';
  const words = commands[0]?.split(/\s+/) ?? [];
  const foreground = words.includes('-F');
  if (!words.some((word) => word.endsWith('/fence_virtd'))) return `Failed to locate executable ${words[0]}`;
  if (foreground !== /^Type=simple$/m.test(dropIns)) return 'start operation timed out. Terminating.';
  const buffered = !words.includes('-oL');
  const identifier = words[0]?.split('/').at(-1) ?? '';
  const conf = words.includes('-f') ? (words[words.indexOf('-f') + 1] ?? '') : stock;
  return { verbose: foreground && !buffered && words.includes('-d2'), foreground, identifier, conf };
}

const noSocket = 'Could not set up multicast listen socket';

/** Why the kernel does not let it join its group (measured, 4.12): the other family, or a card that is not there. */
function refusedGroup({ tree }: Machine, at: FenceListener, family: string): readonly string[] | undefined {
  const ipv6 = at.address.includes(':');
  if (family === 'ipv6')
    return ipv6 ? undefined : [`Failed to add multicast to socket ${at.address}: Invalid argument`];
  const there = at.interface === '' || tree.has(`/sys/class/net/${at.interface}`);
  if (!ipv6 && there) return undefined;
  const why = ipv6 ? 'Invalid argument' : 'No such device';
  return [`Failed to bind multicast receive socket to ${at.address}: ${why}`, 'Check network configuration.'];
}

interface Settings {
  /** `section/section/name` to value. */
  readonly settings: ReadonlyMap<string, string>;
  readonly groups: readonly FenceGroup[];
}

/** fence_virt.conf(5); undefined if it cannot be parsed. */
function readSettings(text: string): Settings | undefined {
  const words = text.replaceAll(/#[^\n]*/g, '').match(/"[^"\n]*"|[{}=;]|[^\s{}=;"]+/g) ?? [];
  const settings = new Map<string, string>();
  const groups: { ips: string[]; domains: string[] }[] = [];
  const path: string[] = [];
  for (let n = 0; n < words.length; n++) {
    const [word = '', next, value, end] = words.slice(n, n + 4);
    if (word === '}') {
      if (path.pop() === undefined) return undefined;
    } else if (next === '{') {
      path.push(word);
      if (path.join('/') === 'groups/group') groups.push({ ips: [], domains: [] });
      n += 1;
    } else if (next === '=' && value?.startsWith('"') && end === ';') {
      const group = path.join('/') === 'groups/group' ? groups.at(-1) : undefined;
      if (word === 'ip') group?.ips.push(value.slice(1, -1));
      if (word === 'uuid') group?.domains.push(value.slice(1, -1));
      settings.set([...path, word].join('/'), value.slice(1, -1));
      n += 3;
    } else return undefined;
  }
  return path.length === 0 && settings.size > 0 ? { settings, groups } : undefined;
}
