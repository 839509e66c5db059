import { boot } from './boot.ts';
import { type Call, fail, getopt, type Handler, type Options, ok, type Result } from './call.ts';
import { survivorsFence } from './cluster.ts';
import { asLibvirtKeepsIt, readDomain } from './domain-xml.ts';
import { definition, dropDefinition, fence, type Known, keepDefinition, known, nil, start } from './libvirt.ts';
import type { Running } from './state.ts';

/**
 * virsh(1) of libvirt 9.0 on xen:///system, as measured on the real dom0: errors come with an empty line on stdout. It knows
 * what was defined and what it started; a domain made by `xl create` it does not know.
 */
export const virsh: Handler = (call) => {
  const [uri, args] = connection(call.args);
  if (uri !== undefined && !/^xen:\/\/(\/|\/system)?$/.test(uri))
    return error(`failed to connect to the hypervisor\nerror: no connection driver available for ${uri}`);
  if (call.machine.state.services.libvirtd?.active !== 'active')
    return error(
      "failed to connect to the hypervisor\nerror: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory",
    );
  const [verb = '', ...rest] = args;
  // Several commands in one argument: virsh(1), "BATCH and INTERACTIVE MODE".
  if (rest.length === 0 && /[; ]/.test(verb)) {
    const each = verb.split(';').map((line) => virsh({ ...call, args: ['-c', uri ?? '', ...line.trim().split(/ +/)] }));
    const said = (what: 'stdout' | 'stderr') => each.map((result) => result[what] ?? '').join('');
    return { code: each.at(-1)?.code ?? 0, stdout: said('stdout'), stderr: said('stderr') };
  }
  if (!Object.hasOwn(verbs, verb)) return error(`unknown command: '${verb}'`);
  const options = getopt(rest, ['--all', '--inactive', '--name', '--uuid', '--paused']);
  return (verbs[verb] as Verb)(call, options);
};

type Verb = (call: Call, options: Options) => Result;

function connection(args: readonly string[]): [string | undefined, readonly string[]] {
  if (args[0] === '-q') return connection(args.slice(1));
  if (args[0] === '-k') return connection(args.slice(2));
  return args[0] === '-c' || args[0] === '--connect' ? [args[1], args.slice(2)] : [undefined, args];
}

const error = (text: string): Result => fail(1, `error: ${text}`, '\n');
const done = (text: string): Result => ok(`${text}\n\n`);

function stateWord(running: Running | undefined): string {
  if (!running) return 'shut off';
  return running.stopping === undefined ? running.state : 'in shutdown';
}

const list: Verb = ({ world }, options) => {
  const dom0 = { id: '0', name: 'Domain-0', uuid: nil, state: 'running' };
  const all = known(world).map(({ name, uuid, running }) => ({
    id: running ? String(running.id) : '-',
    name,
    uuid,
    state: stateWord(running),
  }));
  const active = all.filter(({ id }) => id !== '-').sort((a, b) => Number(a.id) - Number(b.id));
  const shown = [dom0, ...active, ...(options.has('--all') ? all.filter(({ id }) => id === '-') : [])];
  if (options.has('--name', '--uuid')) {
    const columns = shown.map(({ name, uuid }) =>
      [...(options.has('--uuid') ? [uuid] : []), ...(options.has('--name') ? [name] : [])].join(' '),
    );
    return done(columns.join('\n'));
  }
  const width = Math.max(...shown.map(({ name }) => name.length)) + 3;
  const longest = Math.max(...shown.map(({ state }) => state.length));
  const rows = shown.map(({ id, name, state }) => ` ${id.padEnd(4)} ${name.padEnd(width)}${state}`);
  return done([` Id   ${'Name'.padEnd(width)}State`, '-'.repeat(width + longest + 8), ...rows].join('\n'));
};

/** A verb about one domain that libvirt knows. */
function about(act: (call: Call, domain: Known, options: Options) => Result): Verb {
  return (call, options) => {
    const [name = ''] = options.rest;
    const domain = known(call.world).find(
      (at) => at.name === name || at.uuid === name || String(at.running?.id) === name,
    );
    return domain ? act(call, domain, options) : error(`failed to get domain '${name}'`);
  };
}

const invalid = (verb: string, name: string, why: string) =>
  error(`Failed to ${verb} domain '${name}'\nerror: Requested operation is not valid: ${why}`);

/** A domain that runs, for the verbs that need one. */
function aboutRunning(verb: string, act: (call: Call, name: string, running: Running) => Result): Verb {
  return about((call, { name, running }) =>
    running ? act(call, name, running) : invalid(verb, name, 'domain is not running'),
  );
}

const define: Verb = ({ world, machine: { tree }, input }, options) => {
  const [path = ''] = options.rest;
  const text = path === '/dev/stdin' ? input.toString() : tree.text(path);
  const failed = (why: string) => error(`Failed to define domain from ${path}\nerror: ${why}`);
  if (text === undefined) return error(`Failed to open file '${path}': No such file or directory`);
  let xml: string;
  try {
    xml = asLibvirtKeepsIt(text);
  } catch (cause) {
    return failed(`(domain_definition):1: ${cause instanceof Error ? cause.message.split('\n')[0] : cause}`);
  }
  const { name, uuid } = readDomain(xml);
  const other = known(world).find((domain) => (domain.name === name) !== (domain.uuid === uuid));
  if (other && other.name === name)
    return failed(`operation failed: domain '${name}' already exists with uuid ${other.uuid}`);
  if (other) return failed(`operation failed: domain '${other.name}' is already defined with uuid ${uuid}`);
  keepDefinition(world, name, xml);
  return done(`Domain '${name}' defined from ${path}`);
};

const dominfo = about((_call, { name, uuid, vcpus, maxMemoryKiB, memoryKiB, running }) => {
  const rows = {
    Id: running?.id ?? '-',
    Name: name,
    UUID: uuid,
    'OS Type': 'xen',
    State: stateWord(running),
    'CPU(s)': vcpus,
    'Max memory': `${maxMemoryKiB} KiB`,
    'Used memory': `${memoryKiB} KiB`,
    Persistent: 'yes',
    Autostart: 'disable',
    'Managed save': 'no',
  };
  return done(
    Object.entries(rows)
      .map(([key, value]) => `${`${key}:`.padEnd(16)}${value}`)
      .join('\n'),
  );
});

const verbs: Readonly<Record<string, Verb>> = {
  console: aboutRunning('console', () => error('Cannot run interactive console without a controlling TTY')),
  define,
  destroy: aboutRunning('destroy', ({ world }, name) => {
    const lost = world.state.running[name];
    delete world.state.running[name];
    // The power goes: what its cluster makes of that is the cluster's business.
    if (lost) survivorsFence(world, lost);
    return done(`Domain '${name}' destroyed`);
  }),
  domid: about((_call, { running }) => done(String(running?.id ?? '-'))),
  dominfo,
  domstate: about((_call, { running }) => done(stateWord(running))),
  domuuid: about((_call, { uuid }) => done(uuid)),
  dumpxml: about(({ world }, { name, running }, options) => {
    const xml = definition(world, name) ?? running?.xml ?? '';
    return ok(
      `${running && !options.has('--inactive') ? xml.replace("<domain type='xen'>", `<domain type='xen' id='${running.id}'>`) : xml}\n`,
    );
  }),
  list,
  nodeinfo: () => done('CPU model:           x86_64\nCPU(s):              2\nMemory size:         8388608 KiB'),
  resume: aboutRunning('resume', ({ world }, name, running) => {
    if (running.state !== 'paused')
      return error(
        `Failed to resume domain '${name}'\nerror: Requested operation is not valid: domain is already running`,
      );
    running.state = 'running';
    // One that was paused while it was made has not booted yet; any other goes on where it was.
    if (Object.keys(running.loaded).length === 0) boot(world, name);
    return done(`Domain '${name}' resumed`);
  }),
  shutdown: aboutRunning('shutdown', (_call, name, running) => {
    running.stopping ??= Date.now();
    return done(`Domain '${name}' is being shutdown`);
  }),
  start: about(({ world, midway }, { name, running }) => {
    if (running) return error('Domain is already active');
    if (start(world, name, midway)) return done(`Domain '${name}' started`);
    const why = `internal error: libxenlight failed to create new domain '${name}'`;
    return error(`Failed to start domain '${name}'\nerror: ${why}`);
  }),
  suspend: aboutRunning('suspend', ({ world }, name, running) => {
    running.state = 'paused';
    // To its cluster it is lost as well.
    if (survivorsFence(world, running)) fence(world, name, 'reboot');
    return done(`Domain '${name}' suspended`);
  }),
  undefine: about(({ world }, { name }) => {
    if (definition(world, name) === undefined) return invalid('undefine', name, 'cannot undefine transient domain');
    dropDefinition(world, name);
    return done(`Domain '${name}' has been undefined`);
  }),
  version: () =>
    done(
      'Compiled against library: libvirt 9.0.0\nUsing library: libvirt 9.0.0\nUsing API: Xen 9.0.0\nRunning hypervisor: Xen 4.17.0',
    ),
};
