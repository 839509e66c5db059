import { boot, cannotStart, freeMemory, powerOn } from './boot.ts';
import { type Call, fail, getopt, type Handler, ok, type Result } from './call.ts';
import { readDomain } from './domain-xml.ts';

/** xl(1) of Xen 4.17 (facts/xen.md, facts/real-dom0.md). */
export const xl: Handler = (call) => {
  const [verb = '', ...args] = call.args;
  if (!Object.hasOwn(verbs, verb)) return fail(1, `command "${verb}" is not simulated, or not implemented`);
  const { rest } = getopt(args, ['-f', '-p', '-l', '-v', '-F', '-w']);
  if (rest.length < args.length) return fail(1, `xl ${verb}: options are not simulated`);
  return (verbs[verb] as Verb)(call, rest);
};

type Verb = (call: Call, args: readonly string[]) => Result;

const list: Verb = ({ world }, [only]) => {
  const rows = Object.entries(world.state.running).map(([name, { id, state, xml }]) => ({
    name,
    id,
    memory: readDomain(xml).memoryKiB / 1024,
    vcpus: readDomain(xml).vcpus,
    letters: state === 'paused' ? '--p---' : '-b----',
    time: '31.0',
  }));
  const dom0 = { name: 'Domain-0', id: 0, memory: 3072, vcpus: 2, letters: 'r-----', time: '536.9' };
  const found = [dom0, ...rows].filter(({ name, id }) => only === undefined || name === only || String(id) === only);
  if (found.length === 0) return fail(1, `${only} is an invalid domain identifier (rc=-6)`);
  const lines = found.map(
    ({ name, id, memory, vcpus, letters, time }) =>
      `${name.padEnd(40)} ${String(id).padStart(5)} ${String(memory).padStart(5)} ${String(vcpus).padStart(5)}     ${letters} ${time.padStart(9)}`,
  );
  return ok(`${['Name                                        ID   Mem VCPUs\tState\tTime(s)', ...lines].join('\n')}\n`);
};

const info: Verb = ({ world, machine }) => {
  const rows = {
    host: machine.tree.text('/etc/hostname')?.trim() ?? '',
    release: '6.1.0-41-amd64',
    machine: 'x86_64',
    nr_cpus: 2,
    virt_caps: 'pv',
    total_memory: 8191,
    free_memory: freeMemory(world),
    xen_major: 4,
    xen_minor: 17,
    xen_version: '4.17.7',
    xen_caps: 'xen-3.0-x86_64 ',
  };
  return ok(
    Object.entries(rows)
      .map(([key, value]) => `${key.padEnd(23)}: ${value}\n`)
      .join(''),
  );
};

/** A domain made here is unknown to libvirt, and so to fence_virtd. */
const create: Verb = ({ world, machine: { tree } }, [path = '']) => {
  const text = tree.text(path);
  if (text === undefined) return fail(2, `Can't open ${path}: No such file or directory`);
  const parsing = `Parsing config from ${path}`;
  const value = (key: string) =>
    new RegExp(`^\\s*${key}\\s*=\\s*["']?([^"'\\n]*)["']?`, 'm').exec(text.replaceAll(/#.*/g, ''))?.[1]?.trim();
  const disks = listOf(text, 'disk');
  const bad = disks.find((disk) => disk.split(',').includes('w!'));
  if (bad !== undefined)
    return fail(
      1,
      `${parsing}\n${path}: config parsing error in disk specification: unknown value for access: near \`w!' in \`${bad}'`,
    );
  const name = value('name');
  if (!name) return fail(1, `${parsing}\nxl: domain name must be specified.`);
  if (world.state.running[name])
    return fail(3, `${parsing}\nlibxl: error: libxl_create.c: Domain with name "${name}" already exists`);
  const xml = xmlOf(value, disks, listOf(text, 'vif'));
  if (cannotStart(world, xml) !== undefined) return fail(3, `${parsing}\nlibxl: error: ${cannotStart(world, xml)}`);
  powerOn(world, name, { by: 'xl', xml });
  boot(world, name);
  return ok('', `${parsing}\n`);
};

/** The strings of `key = [ "…", "…" ]`, comments left out. */
function listOf(text: string, key: string): readonly string[] {
  const list =
    new RegExp(`^\\s*${key}\\s*=\\s*\\[([^\\]]*)\\]`, 'm').exec(text.replaceAll(/^\s*#.*$/gm, ''))?.[1] ?? '';
  return [...list.matchAll(/"([^"]*)"|'([^']*)'/g)].map(([, double, single]) => double ?? single ?? '');
}

function xmlOf(value: (key: string) => string | undefined, disks: readonly string[], cards: readonly string[]): string {
  const pathOf = (disk: string) =>
    /target=(.*)$/.exec(disk)?.[1] ?? disk.split(',')[0]?.replace(/^([a-z0-9]+:)*/, '') ?? '';
  const part = (card: string, key: string, usual: string) => new RegExp(`${key}=([^,]*)`).exec(card)?.[1] ?? usual;
  const devices = [
    ...disks.map((disk) => `<disk><source file='${pathOf(disk)}'/></disk>`),
    ...cards.map(
      (card) =>
        `<interface><mac address='${part(card, 'mac', '')}'/><source bridge='${part(card, 'bridge', 'xenbr0')}'/></interface>`,
    ),
  ];
  const memory = Number(value('memory') ?? 256);
  return `<domain type='xen'><name>${value('name')}</name><uuid>${value('uuid') ?? ''}</uuid><memory unit='MiB'>${memory}</memory><vcpu>${value('vcpus') ?? 1}</vcpu><bootloader>${value('bootloader') ?? ''}</bootloader><devices>${devices.join('')}</devices></domain>`;
}

const verbs: Readonly<Record<string, Verb>> = {
  create,
  destroy: ({ world: { state } }, [name = '']) => {
    if (!state.running[name]) return fail(1, `${name} is an invalid domain identifier (rc=-6)`);
    delete state.running[name];
    return ok();
  },
  domid: ({ world: { state } }, [name = '']) => {
    const id = name === 'Domain-0' ? 0 : state.running[name]?.id;
    return id === undefined
      ? fail(1, `Can't get domid of domain name '${name}', maybe this domain does not exist.`)
      : ok(`${id}\n`);
  },
  info,
  list,
};
