import { xlDisk } from '../formats/disk-spec.ts';
import { readDomainFile } from '../formats/domain-file.ts';
import { domainXml, readDomainXml, sameDomain } from '../formats/domain-xml.ts';
import { writeVif } from '../formats/vif-spec.ts';
import { type Change, command, file, wait } from '../model/change.ts';
import { Foreign, NotYet } from '../model/errors.ts';
import type { Look, Step } from '../model/step.ts';
import type { Guest, Install, Lab } from '../spec/lab.ts';
import { dom0Paths } from '../spec/paths.ts';
import { textOf } from '../steps/file-content.ts';
import { foreign } from '../steps/marks.ts';
import { packages } from '../steps/packages.ts';
import { requirement } from '../steps/requirement.ts';
import { bootSettles, missingOfBoot } from './boot-layers.ts';
import { clash, clashWith } from './clash.ts';
import { freeMemoryIn } from './free-memory.ts';
import { libvirtAbandon, libvirtInstall } from './libvirt-install.ts';
import type { Toolstack } from './toolstack.ts';
import { domainDefinition, domainDefinitions, domainState, domainStates, isAlive, virsh } from './virsh.ts';

/** What each way to the default image needs on dom0. */
const installers: Readonly<Record<Install['by'], readonly string[]>> = {
  debian: ['mmdebstrap'],
  copy: ['curl'],
  virtInstall: ['virtinst'],
  none: [],
};

/** Today's toolstack: xen:///system, the only one whose guests fence_virtd can see. */
export const libvirt: Toolstack = {
  packages: ({ image: { install } }) => [
    ...['xen-system-amd64', 'libvirt-daemon-system', 'libvirt-clients', 'libvirt-daemon-driver-xen', 'qemu-system-xen'],
    ...['attr', 'e2fsprogs', 'iproute2', 'iputils-ping', 'openssh-client'],
    ...installers[install.by],
  ],
  tools: packages,
  copy: ['--reflink=auto', '--sparse=always'],
  addressOnBridge: true,
  freeMemory: async ({ host }) => freeMemoryIn(await host.read(['xl', 'info'])),
  install: libvirtInstall,
  abandon: libvirtAbandon,

  domainEdits: (lab, guest) => ({
    name: guest.name,
    uuid: guest.uuid,
    maxmem: guest.memoryMiB,
    memory: guest.memoryMiB,
    vcpus: guest.vcpus,
    disk: [
      xlDisk({ target: guest.disk, format: 'raw', vdev: 'xvda', access: 'w', backendtype: 'qdisk' }),
      ...lab.disks.map(({ path, device }) =>
        xlDisk({ target: path, format: 'raw', vdev: device, access: 'w', backendtype: 'qdisk' }),
      ),
    ],
    vif: [writeVif({ mac: guest.mac, bridge: lab.network.bridge })],
  }),

  defaultDomainFile: (
    lab,
  ) => `# The default image's domain: never booted, only copied. The guests' files are made from it.
name = "Default"
uuid = "${lab.image.uuid}"
maxmem = 256
memory = 256
vcpus = 1
bootloader = "pygrub"
on_poweroff = "destroy"
on_reboot = "restart"
on_crash = "restart"
vfb = [  ]
disk = [ "${xlDisk({ target: lab.image.path, format: 'raw', vdev: 'xvda', access: 'w', backendtype: 'qdisk' })}" ]
vif = [ "${writeVif({ mac: lab.network.mac, bridge: lab.network.bridge })}" ]
`,

  shared: (lab, disk, after) =>
    requirement(
      {
        id: '10.shareable',
        title: `See that ${disk.path} is raw and shareable in the domains that run`,
        section: 'Creating virtual machines 5',
        on: 'dom0',
        after,
      },
      async ({ host }) => {
        const running = await domainDefinitions(host, 'running');
        const bad = lab.guests.flatMap(({ name }) => {
          const xml = running.get(name);
          if (xml === undefined) throw new NotYet(`6.boot-${name}`);
          const found = readDomainXml(xml).disks.find(({ path }) => path === disk.path);
          if (!found) return [`${name} does not have it`];
          return found.format === 'raw' && found.shareable
            ? []
            : [`in ${name} it is ${found.format}, ${found.shareable ? '' : 'not '}shareable`];
        });
        if (bad.length === 0) return undefined;
        return {
          says: `two guests must not write ${disk.path} so: ${bad.join('; ')}`,
          hint: 'their domains are defined anew while they are off: lab down, then lab up',
        };
      },
    ),

  domainState: (dom0, guest) => domainState(dom0, guest.name),

  // virsh(1) prints `-` for a domain that is off.
  async domainId(dom0, guest) {
    const { code, stdout } = await dom0.read(virsh('domid', guest.name));
    return code === 0 && /^\d+$/.test(stdout.trim()) ? stdout.trim() : undefined;
  },

  stopDead: (guest, how) => virsh(how === 'pause' ? 'suspend' : 'destroy', guest.name),

  isRunning: async (look, guest) => isAlive(await domainState(look.host, guest.name)),

  unique: (lab, after) =>
    requirement(
      {
        id: '4.unique',
        title: 'No other domain has a name, uuid or MAC of this lab',
        section: 'Creating virtual machines 5',
        on: 'dom0',
        after,
      },
      async (look) => {
        for (const facts of [...(await domainDefinitions(look.host)).values()].map(readDomainXml)) {
          if (facts.mark?.lab === lab.name) continue;
          const clashing = clash(lab, { ...facts, macs: facts.interfaces.flatMap(({ mac }) => mac ?? []) });
          if (clashing) throw clashWith(facts.name, facts.mark?.lab, clashing);
        }
        return undefined;
      },
    ),

  boot(lab, guest, after) {
    const define: Step = {
      kind: 'step',
      id: `6.define-${guest.name}`,
      title: `Define ${guest.name} in libvirt`,
      section: 'Creating virtual machines 6',
      on: 'dom0',
      after,
      check: (look) => missingDefinition(look, lab, guest),
    };
    const alive = async (look: Look) => isAlive(await domainState(look.host, guest.name));
    const boot: Step = {
      kind: 'step',
      id: `6.boot-${guest.name}`,
      title: `Boot ${guest.name}`,
      section: 'Creating virtual machines 6',
      on: 'dom0',
      after: [define],
      provides: guest.name,
      settle: bootSettles(lab, guest, alive, libvirt.freeMemory),
      async check(look) {
        const state = await domainState(look.host, guest.name);
        if (state === undefined || state === 'shut off') return [command(virsh('start', guest.name))];
        if (state === 'paused') return [command(virsh('resume', guest.name))];
        if (state === 'crashed') return [command(virsh('destroy', guest.name)), command(virsh('start', guest.name))];
        if (state === 'dying') return [wait(`wait until ${guest.name} is gone`)];
        return missingOfBoot(look, lab, guest);
      },
    };
    return [define, boot];
  },

  stop: (lab, guest, after) => ({
    kind: 'step',
    id: `down.stop-${guest.name}`,
    title: `Stop ${guest.name}`,
    section: '',
    on: 'dom0',
    after,
    settle: {
      within: 180_000,
      hint: `look at its console (lab console ${guest.name}); power it off with: virsh -c xen:///system destroy ${guest.name}`,
    },
    async check(look) {
      const [state, xml] = await Promise.all([
        domainState(look.host, guest.name),
        domainDefinition(look.host, guest.name),
      ]);
      if (state === undefined || state === 'shut off') return [];
      const owner = xml === undefined ? undefined : readDomainXml(xml).mark?.lab;
      if (owner !== lab.name) throw foreign(`a domain ${guest.name}`, owner, guest.name);
      // A crashed domain is restarted (on_crash), and a paused one does not hear: neither is off.
      return state === 'paused' || state === 'crashed'
        ? [command(virsh('destroy', guest.name))]
        : [command(virsh('shutdown', guest.name))];
    },
  }),

  forget: (lab, after, only) => ({
    kind: 'step',
    id: only ? `leaving.domain-${only.name}` : 'destroy.domains',
    title: only ? `Forget the domain ${only.name}` : 'Forget its domains',
    section: '',
    on: 'dom0',
    after,
    async check({ host }): Promise<readonly Change[]> {
      const [definitions, states] = await Promise.all([domainDefinitions(host), domainStates(host)]);
      const own = [...definitions].filter(([, xml]) => readDomainXml(xml).mark?.lab === lab.name).map(([name]) => name);
      const gone = only ? own.filter((name) => name === only.name) : own;
      return gone.flatMap((name) => [
        ...(isAlive(states.get(name)) ? [command(virsh('destroy', name), { destroys: `what runs in ${name}` })] : []),
        command(virsh('undefine', name), { destroys: `the domain ${name}` }),
      ]);
    },
  }),

  /** An adopted one is defined again as it was, once no other of its name is there. */
  restore: (lab, guest, after) => ({
    kind: 'step',
    id: `destroy.adopted-${guest.name}`,
    title: `Give the domain ${guest.name} back`,
    section: '',
    on: 'dom0',
    after,
    async check({ host }) {
      const kept = dom0Paths(lab).adoptedDomain(guest);
      const [xml, there] = await Promise.all([host.readFile(kept), domainDefinition(host, guest.name)]);
      if (xml === undefined || there !== undefined) return [];
      return [command(virsh('define', kept), { why: `define ${guest.name} as it was before lab adopted it` })];
    },
  }),

  console: (guest) => virsh('console', guest.name) as [string, ...string[]],
};

/** The definition that follows from the domain file, unless libvirt has it already. */
async function missingDefinition(look: Look, lab: Lab, guest: Guest): Promise<readonly Change[]> {
  const [bytes, current] = await Promise.all([
    look.host.readFile(guest.domainFile),
    domainDefinition(look.host, guest.name),
  ]);
  const text = textOf(bytes);
  if (text === undefined) throw new NotYet(`4.domain-file-${guest.name}`);
  const wanted = domainXml(readDomainFile(text, guest.domainFile), {
    shared: lab.disks.map(({ path }) => path),
    mark: { lab: lab.name, guest: guest.name },
  });
  const define = command(virsh('define', '/dev/stdin'), { input: wanted });
  if (current === undefined) return [define];
  const found = readDomainXml(current);
  if (found.mark?.lab === lab.name) return sameDomain(readDomainXml(wanted), found).length === 0 ? [] : [define];
  if (!lab.adopt?.includes(guest.name)) throw foreign(`a domain ${guest.name}`, found.mark?.lab, guest.name);
  if (isAlive(await domainState(look.host, guest.name)))
    throw new Foreign(
      `the domain ${guest.name}, which is to be adopted, runs`,
      `stop it first: virsh -c xen:///system shutdown ${guest.name}`,
    );
  return [
    file(dom0Paths(lab).adoptedDomain(guest), 0o600, current),
    // It may have another uuid: libvirt does not define a second domain of a name.
    command(virsh('undefine', guest.name)),
    define,
  ];
}
