import { sha256 } from './bytes.ts';
import { logEntry } from './journal.ts';
import type { FenceListener } from './state.ts';
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
  const all = text === undefined ? undefined : readSettings(text);
  const settings = all && new Map([...all].map(([path, values]) => [path, values.at(-1) ?? '']));
  if (!all || !settings) return fails(`Error parsing ${command.conf}`, 'Failed to open/parse configuration file.');
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
  const from = all.get('groups/group/ip') ?? [];
  const targets = all.get('groups/group/uuid') ?? [];
  const listener: FenceListener = {
    address: settings.get('listeners/multicast/address') ?? '225.0.0.12',
    port,
    interface: settings.get('listeners/multicast/interface') ?? '',
    key: sha256(key.subarray(0, 4096)),
    verbose: command.verbose,
    ...(from.length > 0 || targets.length > 0 ? { group: { from, targets } } : {}),
  };
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

/** fence_virt.conf(5) as `section/section/name` to values; undefined if it cannot be parsed. */
function readSettings(text: string): ReadonlyMap<string, readonly string[]> | undefined {
  const words = text.replaceAll(/#[^\n]*/g, '').match(/"[^"\n]*"|[{}=;]|[^\s{}=;"]+/g) ?? [];
  const found = new Map<string, string[]>();
  const path: string[] = [];
  for (let n = 0; n < words.length; n++) {
    const [word = '', next, value, end] = words.slice(n, n + 4);
    if (word === '}') {
      if (path.pop() === undefined) return undefined;
    } else if (next === '{') {
      path.push(word);
      n += 1;
    } else if (next === '=' && value?.startsWith('"') && end === ';') {
      const name = [...path, word].join('/');
      found.set(name, [...(found.get(name) ?? []), value.slice(1, -1)]);
      n += 3;
    } else return undefined;
  }
  return path.length === 0 && found.size > 0 ? found : undefined;
}
