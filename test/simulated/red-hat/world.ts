import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { onTestFinished } from 'vitest';
import { recipes } from '../../../recipes/index.ts';
import { Journal } from '../../../src/engine/journal.ts';
import { up } from '../../../src/engine/up.ts';
import { type SeedOptions, SimulatedHosts, seedSimulated } from '../../../src/hosts/simulated/index.ts';
import type { Event, StepEvent, SummaryEvent } from '../../../src/model/event.ts';
import type { Argv } from '../../../src/model/host.ts';
import type { Lab } from '../../../src/spec/lab.ts';
import { dom0Paths } from '../../../src/spec/paths.ts';
import { readLab } from '../../../src/spec/read.ts';

/** The document's lab. @param location what the simulated installer makes of the default image */
export function documentLab(location = 'http://ayanami.example/rhel5/os'): Lab {
  return readLab(
    `name: lolcats
toolstack: xm
guests:
  molly: { memory: 256M, nodeId: 2, uuid: 8d1a8210-69de-4c55-8cf8-deb2356fc7b2 }
  frederick: { memory: 256M, nodeId: 1 }
image: { path: /guests/default.img, size: 2G, install: { virtInstall: { location: ${location} } } }
disks: { quorum: { size: 10M, device: xvdb }, shared: { size: 300M, device: xvdc } }
network: { bridge: xenbr0, mac: '00:16:3e:00:cf:fd' }
cluster: { stack: cman, token: 21000, configVersion: 41, services: { test: { autostart: false } } }
dom0Cluster: { name: londesktop, node: ayanami }
`,
    'the lab of the tests',
  );
}

export interface TestWorld {
  readonly directory: string;
  readonly hosts: SimulatedHosts;
  /** Where a file of a machine is. */
  at(machine: string, path: string): string;
  /** Runs a command line on a machine; words in single quotes hold together. */
  sh(machine: string, line: string, input?: string): Promise<{ code: number; stdout: string; stderr: string }>;
  up(): Promise<{ summary: SummaryEvent; failed: readonly StepEvent[] }>;
}

const words = (line: string) => (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ''));

export function openWorld(directory: string, bootTime = 40, lab = documentLab()): TestWorld {
  const { loginKey: key, knownHosts } = dom0Paths(lab);
  const hosts = new SimulatedHosts({ directory, guests: lab.guests, login: { key, knownHosts }, bootTime });
  return {
    directory,
    hosts,
    at: (machine, path) => join(directory, machine, path),
    async sh(machine, line, input) {
      const options = input === undefined ? {} : { input };
      const { code, stdout, stderr } = await hosts.host(machine).run(words(line) as [string] & Argv, options);
      return { code, stdout, stderr };
    },
    async up() {
      const failed: StepEvent[] = [];
      const emit = (event: Event) => {
        if (event.event === 'step' && event.verdict === 'failed') failed.push(event);
      };
      const journal = new Journal(join(directory, 'journal.jsonl'), () => String(Date.now()));
      const slowness = async () => 1;
      const options = { lab: lab.name, where: 'simulated', chapters: recipes(lab), hosts, journal, proofs: journal };
      return { summary: await up({ ...options, emit, slowness }), failed };
    },
  };
}

/** A fresh dom0 of the document's day. */
export async function freshWorld(seed: SeedOptions = {}, lab = documentLab(), bootTime = 40): Promise<TestWorld> {
  const directory = await mkdtemp(join(tmpdir(), 'lab-xm-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await seedSimulated(directory, { era: 'red-hat', hostname: 'ayanami', ...seed });
  return openWorld(directory, bootTime, lab);
}

/** Two guests made by hand, as the document does it, with addresses, names and no cluster; made once. */
const models = new Map<string, Promise<string>>();

export async function guestsThatRun(kind = 'rhel5', seed: SeedOptions = {}): Promise<TestWorld> {
  const id = JSON.stringify([kind, seed]);
  const model = models.get(id) ?? makeGuests(kind, seed);
  models.set(id, model);
  const directory = await mkdtemp(join(tmpdir(), 'lab-xm-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await execa('cp', ['-a', '--sparse=always', `${await model}/.`, directory]);
  return openWorld(directory);
}

export const aMoment = (parts = 2) => new Promise((resolve) => setTimeout(resolve, 40 * parts));

const installer = (location: string) =>
  `virt-install --paravirt --name Default --ram 256 --file /guests/default.img --bridge xenbr0 --mac 00:16:3e:00:cf:fd --nographics --noautoconsole --location ${location}`;

/** Chapter "Creating virtual machines" up to the installed default image. */
export async function install({ sh }: TestWorld, location: string) {
  await sh('dom0', 'mkdir -p /guests');
  await sh('dom0', 'dd if=/dev/null of=/guests/default.img bs=1 count=0 seek=2147483648');
  return sh('dom0', installer(location));
}

export const offset = 63 * 512;

async function makeGuests(kind: string, seed: SeedOptions): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lab-xm-model-'));
  await seedSimulated(directory, { era: 'red-hat', hostname: 'ayanami', ...seed });
  const world = openWorld(directory);
  const { sh, hosts } = world;
  const { loginKey, knownHosts } = dom0Paths(documentLab());
  await install(world, `http://ayanami.example/${kind}`);
  await aMoment();
  await sh('dom0', `mkdir -p ${loginKey.replace(/\/[^/]*$/, '')}`);
  await sh('dom0', `ssh-keygen -q -t rsa -b 1024 -N '' -C login -f ${loginKey}`);
  await sh('dom0', 'dd if=/dev/urandom of=/etc/cluster/fence_xvm.key bs=4096 count=1');
  const dom0 = hosts.host('dom0');
  const login = await dom0.readFile(`${loginKey}.pub`);
  const names = '127.0.0.1 localhost\n192.168.77.11 molly\n192.168.77.12 frederick\n';
  let known = '';
  for (const [n, name] of ['molly', 'frederick'].entries()) {
    const mac = `00:16:3e:00:cf:f${'ef'[n]}`;
    await sh('dom0', `cp --sparse=always /guests/default.img /guests/${name}.img`);
    await sh('dom0', `mkdir -p /mnt`);
    await sh('dom0', `mount -o loop,offset=${offset} /guests/${name}.img /mnt`);
    const write = (path: string, text: Uint8Array | string, mode = 0o644) =>
      dom0.writeFile(`/mnt${path}`, Buffer.from(text), mode);
    await write('/etc/sysconfig/network', `NETWORKING=yes\nHOSTNAME=${name}\n`);
    await write(
      '/etc/sysconfig/network-scripts/ifcfg-eth0',
      `DEVICE=eth0\nHWADDR=${mac.toUpperCase()}\nBOOTPROTO=static\nIPADDR=192.168.77.1${n + 1}\nNETMASK=255.255.255.0\nONBOOT=yes\n`,
    );
    await write('/etc/hosts', names);
    await write('/root/.ssh/authorized_keys', login ?? '', 0o600);
    await write('/etc/cluster/fence_xvm.key', (await dom0.readFile('/etc/cluster/fence_xvm.key')) ?? '', 0o600);
    await sh('dom0', `ssh-keygen -q -t rsa -b 1024 -N '' -C host -f /mnt/etc/ssh/ssh_host_rsa_key`);
    known += `192.168.77.1${n + 1} ${String(await dom0.readFile('/mnt/etc/ssh/ssh_host_rsa_key.pub'))
      .split(' ')
      .slice(0, 2)
      .join(' ')}\n`;
    await sh('dom0', 'rm -f /mnt/etc/udev/rules.d/70-persistent-net.rules');
    for (const service of ['cman', 'rgmanager', 'clvmd', 'gfs2', 'qdiskd', 'NetworkManager'])
      await sh('dom0', `chroot /mnt chkconfig ${service} off`);
    await sh('dom0', 'umount /mnt');
    const uuid = n === 0 ? '8d1a8210-69de-4c55-8cf8-deb2356fc7b2' : 'ef84f5cf-8589-41f6-8728-ac5170c42cbc';
    await dom0.writeFile(`/etc/xen/${name}`, Buffer.from(domainFile(name, uuid, mac)), 0o644);
    await sh('dom0', `xm create /etc/xen/${name}`);
  }
  await dom0.writeFile(knownHosts, Buffer.from(known), 0o644);
  await aMoment();
  return directory;
}

export function domainFile(name: string, uuid: string, mac: string, disks = ''): string {
  return `# name = "Default"
# Must match domain file name
name = "${name}"
uuid = "${uuid}"
maxmem = 256
memory = 256
vcpus = 1
bootloader = "/usr/bin/pygrub"
on_poweroff = "destroy"
on_reboot = "restart"
on_crash = "restart"
vfb = [  ]
disk = [ "tap:aio:/guests/${name}.img,xvda,w"${disks} ]
vif = [ "mac=${mac},bridge=xenbr0" ]
`;
}

/** The document's cluster of the guests. */
export function lolcats(version = 41, cman = '<cman expected_votes="1" two_node="1"/>', more = ''): string {
  const node = (name: string, id: number) =>
    `<clusternode name="${name}" nodeid="${id}" votes="1"><fence><method name="1"><device domain="${name}" name="xvm"/></method></fence></clusternode>`;
  return `<?xml version="1.0"?>
<cluster name="lolcats" config_version="${version}">${cman}<totem token="21000"/>
<clusternodes>${node('frederick', 1)}${node('molly', 2)}</clusternodes>
<fencedevices><fencedevice agent="fence_xvm" name="xvm"/></fencedevices>
<rm><failoverdomains/><resources/><service name="test" autostart="0"/></rm>${more}
</cluster>
`;
}

/** The document's cluster of one. */
export const londesktop = `<?xml version="1.0"?>
<cluster name="londesktop" config_version="1">
  <clusternodes><clusternode name="ayanami" nodeid="1" votes="1"/></clusternodes>
  <fence_xvmd/>
</cluster>
`;
