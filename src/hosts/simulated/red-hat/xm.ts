import { boot, freeMemory } from '../boot.ts';
import { type Call, fail, getopt, type Handler, ok, type Result } from '../call.ts';
import type { Running } from '../state.ts';
import type { World } from '../world.ts';
import { lostPower, silent } from './fence-domain.ts';
import { hostnameOf, releaseOf } from './release.ts';
import { readXmFile } from './xm-config.ts';
import { listLong, listText } from './xm-list.ts';
import { cannotCreate, createDomain } from './xm-start.ts';

/** xm(1) of Xen 3.0.3 and 3.1, RHEL 5: it asks xend, and knows only what runs (facts/xen.md, the document). */
export const xm: Handler = (call) => {
  const [verb = 'help', ...args] = call.args;
  if (!Object.hasOwn(verbs, verb))
    return fail(
      1,
      `Error: Subcommand ${verb} not found!\nUsage: xm <subcommand> [args]\n\nFor complete list of subcommands run: xm help`,
    );
  if (call.machine.state.services.xend === undefined)
    return fail(1, 'Error: Unable to connect to xend: Connection refused. Is xend running?');
  return (verbs[verb] as Verb)(call, args);
};

type Verb = (call: Call, args: readonly string[]) => Result;

const error = (text: string) => fail(1, `Error: ${text}`);
const unknown = (name: string) => error(`Domain '${name}' does not exist.`);

const list: Verb = ({ world }, args) => {
  const options = getopt(args, ['--long', '-l', '-v']);
  const text = listText(world, options.rest);
  const missing = options.rest.find((name) => listText(world, [name]) === undefined);
  if (text === undefined) return unknown(missing ?? '');
  return ok(options.has('--long', '-l') ? listLong(world, options.rest) : text);
};

/** By its name or number. */
function found(world: World, name: string): [string, Running] | undefined {
  return Object.entries(world.state.running).find(([at, { id }]) => at === name || String(id) === name);
}

/** A verb about one domain; dom0 itself is none of them. */
function about(act: (call: Call, name: string, running: Running) => Result): Verb {
  return (call, args) => {
    const [name = ''] = getopt(args, ['-w', '-a', '-H', '-R', '-f']).rest;
    const domain = found(call.world, name);
    if (name === 'Domain-0' || name === '0') return error("(1, 'Operation not permitted')");
    return domain ? act(call, ...domain) : unknown(name);
  };
}

/** `xm create FILE`: a name without a slash is looked for in /etc/xen too. */
const create: Verb = ({ world, machine: { tree }, midway }, args) => {
  const options = getopt(args, ['-q', '-p', '-c']);
  const [given = ''] = options.rest;
  if (options.has('-p', '-c')) return error('only FILE is simulated');
  const path = tree.has(given) ? given : `/etc/xen/${given}`;
  const text = tree.text(path);
  if (text === undefined || options.rest.length !== 1) return error(`Unable to open config file: ${given}`);
  const config = readXmFile(text, path.replace(/.*\//, ''));
  if (typeof config === 'string') return fail(1, config);
  const said = `Using config file "${path}".\n`;
  const before = config.name === 'Domain-0' ? { id: 0 } : world.state.running[config.name];
  const why = before ? `Domain '${config.name}' already exists with ID '${before.id}'` : cannotCreate(world, config);
  if (why !== undefined) return fail(1, `Error: ${why}`, said);
  createDomain(world, config, midway);
  return ok(`${said}Started domain ${config.name}\n`);
};

const destroy = about(({ world }, name, running) => {
  delete world.state.running[name];
  // What an installer had not finished is no file system.
  if (running.installs) world.images.clear(running.installs.image);
  lostPower(world, running);
  return ok();
});

const unpause = about(({ world }, name, running) => {
  if (running.state !== 'paused') return ok();
  running.state = 'running';
  // One that was paused while it was made has not booted yet; any other goes on where it was.
  if (running.since === 0) boot(world, name);
  return ok();
});

const info: Verb = ({ world }) => {
  const { tree } = world.dom0;
  const rows = {
    host: hostnameOf(tree),
    release: releaseOf(tree).kernel,
    machine: 'x86_64',
    nr_cpus: 2,
    total_memory: 8191,
    free_memory: freeMemory(world),
    xen_major: 3,
    xen_minor: 1,
    xen_extra: '.0-53.el5',
    xen_caps: 'xen-3.0-x86_64 xen-3.0-x86_32p',
    xend_config_format: 2,
  };
  return ok(
    Object.entries(rows)
      .map(([key, value]) => `${key.padEnd(23)}: ${value}\n`)
      .join(''),
  );
};

const verbs: Readonly<Record<string, Verb>> = {
  console: about((_call, name) =>
    fail(1, `xenconsole: Could not open a terminal for ${name}: Inappropriate ioctl for device`),
  ),
  create,
  destroy,
  domid: ({ world }, [name = '']) => {
    const id = name === 'Domain-0' ? 0 : found(world, name)?.[1].id;
    return id === undefined ? unknown(name) : ok(`${id}\n`);
  },
  info,
  list,
  pause: about(({ world }, _name, running) => {
    running.state = 'paused';
    silent(world, running);
    return ok();
  }),
  shutdown: about((_call, _name, running) => {
    // A paused domain never hears of it; an installer has nobody who would.
    if (running.state !== 'paused' && !running.installs) running.stopping ??= Date.now();
    return ok();
  }),
  unpause,
};
