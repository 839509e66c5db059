import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { destroy } from '../../recipes/destroy.ts';
import { down } from '../../recipes/down.ts';
import { recipes } from '../../recipes/index.ts';
import { labOnDom0, labsOn } from '../../src/cli/lab-on-dom0.ts';
import { readMark, sealed } from '../../src/formats/seal.ts';
import type { Lab } from '../../src/spec/lab.ts';
import { documentLab, freshWorld as oldWorld } from './red-hat/world.ts';
import { course, dom0Tree } from './trees.ts';
import { freshWorld, lab, type TestWorld } from './world.ts';

// Things of others in the way of `lab up`: an error before anything is touched, with a way to take them over.

const old = documentLab();

/** A file of dom0, marked as some lab's, or as nobody's. */
async function put({ at, sh }: TestWorld, path: string, text: string, owner?: string) {
  mkdirSync(dirname(at('dom0', path)), { recursive: true });
  writeFileSync(at('dom0', path), text);
  if (owner !== undefined) await sh('dom0', `setfattr -n user.cluster-lab -v ${owner} ${path}`);
}

const conf = (world: TestWorld) => readFileSync(world.at('dom0', 'etc/fence_virt.conf'), 'utf8');
const tools = 'apt-get install --yes attr fence-virt fence-virtd mmdebstrap';
const domain = (name: string, more = '') =>
  `<domain type='xen'><name>${name}</name><uuid>6a1b6f0c-0000-4000-8000-00000000000a</uuid>${more}<memory unit='MiB'>128</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='xenpv'>linux</type></os><devices><interface type='bridge'><mac address='00:16:3e:77:00:01'/><source bridge='xenbr0'/></interface></devices></domain>`;
const dogs = "<metadata><lab:guest xmlns:lab='urn:cluster-lab' lab='dogs' guest='molly'/></metadata>";
const name = (world: TestWorld, text: string) => world.sh('dom0', 'virsh -c xen:///system define /dev/stdin', text);

/** What is put in the way, the step that says so, what it says, and what has to be adopted. */
const foreign: readonly [string, Lab, (world: TestWorld) => Promise<unknown>, RegExp, readonly string[]][] = [
  [
    'an image',
    lab,
    (world) => put(world, '/guests/default.img', 'mine'),
    /^2.default: .*default.img .*lab did not make it/,
    [],
  ],
  [
    'a shared disk',
    lab,
    (world) => put(world, '/guests/quorum.dsk', 'x'.repeat(1e7)),
    /^2.quorum: .*lab did not make it/,
    [],
  ],
  [
    'a clone',
    lab,
    (world) => put(world, '/guests/molly.img', 'mine'),
    /^4.clone-molly: .*lab did not make it/,
    ['/guests/molly.img'],
  ],
  [
    'another lab’s clone',
    lab,
    (world) => put(world, '/guests/molly.img', 'x', 'dogs'),
    /^4.clone-molly: .*belongs to the lab dogs/,
    ['/guests/molly.img'],
  ],
  [
    'another lab’s key',
    lab,
    (world) => put(world, '/etc/cluster/fence_xvm.key', 'x', 'dogs'),
    /^1.key: .*belongs to the lab dogs/,
    ['/etc/cluster/fence_xvm.key'],
  ],
  [
    'a key that all can read',
    lab,
    (world) => put(world, '/etc/cluster/fence_xvm.key', 'x'),
    /^1.key: .*lab did not make it/,
    ['/etc/cluster/fence_xvm.key'],
  ],
  [
    'a domain file',
    lab,
    (world) => put(world, '/etc/xen/molly', 'name = "molly"\nmemory = 64\nbootloader = "pygrub"\n'),
    /^4.domain-file-molly: .*lab did not make it/,
    ['molly'],
  ],
  [
    'a domain',
    lab,
    (world) => name(world, domain('molly')),
    /^4.unique: the domain molly, which is not this lab's/,
    ['molly'],
  ],
  [
    'another lab’s domain',
    lab,
    (world) => name(world, domain('molly', dogs)),
    /^4.unique: .*belongs to the lab dogs/,
    ['molly'],
  ],
  [
    'a configuration that somebody wrote',
    lab,
    (world) => put(world, '/etc/fence_virt.conf', 'fence_virtd { }\n'),
    /^7.configuration: .*lab did not make it/,
    ['/etc/fence_virt.conf'],
  ],
  [
    'another lab’s configuration',
    lab,
    (world) => put(world, '/etc/fence_virt.conf', '# Written by lab for dogs; lab up …\n'),
    /^7.configuration: .*belongs to the lab dogs/,
    ['/etc/fence_virt.conf'],
  ],
  [
    'a cluster of dom0',
    old,
    (world) => put(world, '/etc/cluster/cluster.conf', '<cluster name="x" config_version="7"/>'),
    /^7.configuration: .*cluster.conf is there already, and lab did not make it/,
    ['/etc/cluster/cluster.conf'],
  ],
  [
    'options of cman',
    old,
    (world) => put(world, '/etc/sysconfig/cman', 'FENCE_XVMD_OPTS="-d"\n'),
    /^7.options: .*lab did not make it/,
    ['/etc/sysconfig/cman'],
  ],
  [
    'an old domain file',
    old,
    (world) => put(world, '/etc/xen/molly', 'name = "molly"\nmemory = 64\nbootloader = "x"\n'),
    /^4.(unique|domain-file-molly): .*not this lab's|^4.domain-file-molly/,
    ['molly'],
  ],
];

const worldOf = async (of: Lab): Promise<TestWorld> => {
  if (of === old) return (await oldWorld()) as unknown as TestWorld;
  const world = await freshWorld();
  await world.sh('dom0', tools);
  return world;
};

describe.each(foreign)('%s of somebody else', (_, of, plant, says, adopt) => {
  test('stops lab up before anything is touched, and can be adopted', async () => {
    const world = await worldOf(of);
    await plant(world);
    const before = dom0Tree(world.at('dom0', ''));
    const { failed } = await course(world.hosts, recipes(of));
    expect(failed[0]).toMatch(says);
    expect(dom0Tree(world.at('dom0', ''))).toEqual(before);
    // What lab destroy would do: nothing of it is this lab's.
    const doomed = await course(world.hosts, [destroy(of)], { dry: true });
    expect(doomed.failed).toEqual([]);
    expect(doomed.steps.filter(({ verdict }) => verdict === 'change')).toEqual([]);
    if (adopt.length === 0) return;
    const adopted = await course(world.hosts, recipes({ ...of, adopt }), { dry: true });
    expect(adopted.failed).toEqual([]);
    const id = failed[0]?.split(':')[0] ?? '';
    const changed = adopted.steps.filter(({ verdict }) => verdict !== 'met').map((step) => step.id);
    expect(changed).toContain(id === '4.unique' ? (of === old ? '4.domain-file-molly' : '6.define-molly') : id);
  });
});

test('an adopted image is given back by destroy, and so are a key and a configuration', async () => {
  const world = await worldOf(lab);
  await put(world, '/guests/quorum.dsk', '', 'dogs');
  await world.sh('dom0', 'truncate -s 10M /guests/quorum.dsk');
  await put(world, '/etc/cluster/fence_xvm.key', 'secret');
  await put(world, '/etc/fence_virt.conf', 'fence_virtd { }\n');
  await name(world, domain('molly'));
  const defined = (await world.sh('dom0', 'virsh dumpxml molly')).stdout;
  const before = dom0Tree(world.at('dom0', ''));
  const adopt = ['/guests/quorum.dsk', '/etc/cluster/fence_xvm.key', '/etc/fence_virt.conf', 'molly'];
  const wanted = /^[01]\.|^2.quorum|^3.domain-file|4.domain-file-molly|6.define-molly|7.configuration/;
  const only = recipes({ ...lab, adopt }).map(({ nodes, ...chapter }) => ({
    ...chapter,
    nodes: nodes.filter(({ id }) => wanted.test(id)),
  }));
  expect((await course(world.hosts, only)).failed).toEqual([]);
  expect((await world.sh('dom0', 'virsh dumpxml molly')).stdout).toContain('lab="lolcats"');
  expect(readMark(conf(world))).toEqual({ lab: 'lolcats', intact: true });
  expect((await world.sh('dom0', 'getfattr --only-values -n user.cluster-lab /guests/quorum.dsk')).stdout).toBe(
    'lolcats',
  );
  expect((await course(world.hosts, [destroy(lab)])).failed).toEqual([]);
  const { '/etc/cluster/fence_xvm.key': mended, '/run/cluster-lab': _, ...left } = dom0Tree(world.at('dom0', ''));
  const { '/etc/cluster/fence_xvm.key': was, ...rest } = before;
  expect(left).toEqual(rest);
  expect(mended).toBe(was?.replace('644', '600'));
  expect((await world.sh('dom0', 'getfattr --only-values -n user.cluster-lab /guests/quorum.dsk')).stdout).toBe('dogs');
  expect(await world.sh('dom0', 'getfattr --only-values -n user.cluster-lab /etc/cluster/fence_xvm.key')).toMatchObject(
    { code: 1 },
  );
  expect((await world.sh('dom0', 'virsh dumpxml molly')).stdout).toBe(defined);
});

test('a key of somebody that is private is used, and neither changed nor removed', async () => {
  const world = await worldOf(lab);
  await put(world, '/etc/cluster/fence_xvm.key', 'secret');
  chmodSync(world.at('dom0', 'etc/cluster/fence_xvm.key'), 0o600);
  const { steps } = await course(world.hosts, recipes(lab), { dry: true });
  expect(steps.find(({ id }) => id === '1.key')?.verdict).toBe('met');
});

describe('a file of ours', () => {
  const at7 = recipes(lab).filter(({ id }) => id === '7');
  const configuration = at7.map((chapter) => ({ ...chapter, nodes: chapter.nodes.slice(0, 1) }));

  test('of an older version is written again; one that was edited by hand is asked about, and a copy stays', async () => {
    const world = await worldOf(lab);
    const stock = conf(world);
    expect((await course(world.hosts, configuration)).failed).toEqual([]);
    expect(readFileSync(world.at('dom0', 'etc/fence_virt.conf.before-lab'), 'utf8')).toBe(stock);
    const written = conf(world);
    writeFileSync(world.at('dom0', 'etc/fence_virt.conf'), sealed(written.replace('1229', '1230')));
    expect((await course(world.hosts, configuration)).failed).toEqual([]);
    expect(conf(world)).toBe(written);

    const edited = written.replace('1229', '4711');
    writeFileSync(world.at('dom0', 'etc/fence_virt.conf'), edited);
    const before = dom0Tree(world.at('dom0', ''));
    const refused = await course(world.hosts, configuration);
    expect(refused.failed).toEqual(['7.configuration: /etc/fence_virt.conf was edited by hand since lab wrote it']);
    expect(refused.steps[0]?.failure?.hint).toMatch(
      /lab up --yes .* keeps your version as \/etc\/fence_virt.conf.by-hand-/,
    );
    expect(dom0Tree(world.at('dom0', ''))).toEqual(before);

    const asked: string[] = [];
    const agreed = await course(world.hosts, configuration, {
      consent: async (files) => asked.push(...files.map(({ byHand = '' }) => byHand)) > 0,
    });
    expect(agreed.failed).toEqual([]);
    expect(conf(world)).toBe(written);
    expect(readFileSync(world.at('dom0', asked[0]?.slice(1) ?? ''), 'utf8')).toBe(edited);

    expect((await course(world.hosts, [destroy(lab)])).failed).toEqual([]);
    expect(conf(world)).toBe(stock);
  });

  test('that another run writes while the package’s own is being judged is not called foreign', async () => {
    const world = await worldOf(lab);
    const dom0 = world.hosts.host('dom0');
    const { readFile } = dom0;
    vi.spyOn(dom0, 'readFile').mockImplementationOnce(async (path) => {
      const bytes = await readFile(path);
      expect((await course(world.hosts, configuration)).failed).toEqual([]);
      return bytes;
    });
    const { steps, failed } = await course(world.hosts, configuration, { dry: true });
    expect(failed).toEqual([]);
    expect(steps.map(({ verdict }) => verdict)).toEqual(['change']);
    expect(readMark(conf(world))?.lab).toBe(lab.name);
  });
});

describe('destroy --name', () => {
  const where = ({ directory }: TestWorld) => ({ host: `simulated:${directory}` });

  test('knows the lab by the copy of its lab.yaml on dom0', async () => {
    const world = await freshWorld();
    const text = 'name: dogs\nguests: {rex: {address: 192.168.77.40}}\nimage: {path: /srv/dogs/base.img}\n';
    await put(world, '/var/lib/cluster-lab/dogs/lab.yaml', text);
    const found = await (await labOnDom0('dogs', where(world)))();
    expect([found.guests[0]?.address, found.guests[0]?.disk]).toEqual(['192.168.77.40', '/srv/dogs/rex.img']);
    expect(await labsOn(world.hosts, lab)).toEqual(['dogs']);
  });

  test('and without it by the marks on its domains', async () => {
    const world = await freshWorld();
    await put(world, '/var/lib/cluster-lab/dogs/lab.yaml', 'name: [');
    const disk = `<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/srv/molly.img'/><target dev='xvda' bus='xen'/></disk>`;
    await name(world, domain('molly', dogs).replace('<devices>', `<devices>${disk}`));
    expect((await (await labOnDom0('dogs', where(world)))()).guests.map((guest) => guest.disk)).toEqual([
      '/srv/molly.img',
    ]);
    await expect(labOnDom0('../dogs', where(world))).rejects.toThrow(/found "..\/dogs", expected the name of a lab/);
  });
});

test('down does not stop a domain of somebody else, whatever its name', async () => {
  const world = await freshWorld();
  await name(world, domain('molly'));
  const path = world.at('', 'state.json');
  const state = JSON.parse(readFileSync(path, 'utf8'));
  const begun = { state: 'running', since: 0, services: {}, loaded: {} };
  const running = { id: 7, by: 'libvirt', xml: domain('molly'), ...begun };
  writeFileSync(path, JSON.stringify({ ...state, running: { molly: running } }));
  const nodes = down(lab).nodes.filter(({ id }) => id === 'down.stop-molly');
  const { failed } = await course(world.hosts, [
    { id: 'down', title: '', nodes: nodes.map((one) => ({ ...one, after: [] })) },
  ]);
  expect(failed).toEqual(['down.stop-molly: a domain molly is there already, and lab did not make it']);
  expect((await world.sh('dom0', 'virsh domstate molly')).stdout).toBe('running\n\n');
});
