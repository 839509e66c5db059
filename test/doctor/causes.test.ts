import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { dom0Paths } from '../../src/spec/paths.ts';
import { aMoment, freshWorld, lab, labThatIsUp, loseFencer, type TestWorld } from '../simulated/world.ts';
import { doctor, igmp, stateOf, told } from './help.ts';

const { key } = lab.fencing;
const conf = '/etc/fence_virt.conf';

function put(world: TestWorld, machine: string, path: string, text: string | Buffer): void {
  mkdirSync(dirname(world.at(machine, path)), { recursive: true });
  writeFileSync(world.at(machine, path), text);
}

/** The cluster's configuration as each node keeps it. */
function editCib(world: TestWorld, edit: (cib: string) => string): void {
  for (const machine of ['molly', 'frederick']) {
    const path = '/var/lib/pacemaker/cib/cib.xml';
    put(world, machine, path, edit(readFileSync(world.at(machine, path), 'utf8')));
  }
}

const rewritten = (from: string | RegExp, to: string) => async (world: TestWorld) => {
  put(world, 'dom0', conf, readFileSync(world.at('dom0', conf), 'utf8').replace(from, to));
  await world.sh('dom0', 'systemctl restart fence_virtd');
};

const consoleOf = (name: string) => `/var/log/xen/console/guest-${name}.log`;
const booted = `[    0.000000] Linux version 6.1.0-41-amd64\n\nDebian GNU/Linux 12 frederick hvc0\n\nfrederick login: `;
/** The kernel of a cluster's node, below its login. */
const chatter = `[   97.120117] dlm: Using TCP for communications
[   97.310954] dlm: connecting to 1
[  101.882043] gfs2: fsid=lolcats:shared: Trying to join cluster "lock_dlm", "lolcats:shared"
[  102.904316] gfs2: fsid=lolcats:shared.1: journal 1 mapped with 1 extents in 0ms
[  103.115580] gfs2: fsid=lolcats:shared.1: Done
`;

const withGroups =
  (...addresses: readonly string[]) =>
  async (world: TestWorld) => {
    const lines = [...addresses.map((ip) => `ip = "${ip}";`), ...lab.guests.map(({ name }) => `uuid = "${name}";`)];
    put(
      world,
      'dom0',
      conf,
      readFileSync(world.at('dom0', conf), 'utf8').replace(
        /^groups \{[^]*/m,
        `groups { group { ${lines.join(' ')} } }\n`,
      ),
    );
    await world.sh('dom0', 'systemctl restart fence_virtd');
  };

/** What is done to a lab that is up, the cause, and its number in docs/doctor.md. */
const provoked: readonly (readonly [string, string, number | undefined, (world: TestWorld) => unknown])[] = [
  [
    'a guest without fence_xvm',
    'fence_xvm-missing',
    undefined,
    (world) => {
      const status = world.at('molly', '/var/lib/dpkg/status');
      writeFileSync(status, readFileSync(status, 'utf8').replace(/^Package: fence-virt\n[^]*?\n\n/m, ''));
    },
  ],
  ['the bridge is gone', 'bridge-missing', undefined, ({ sh }) => sh('dom0', 'rm -r /sys/class/net/xenbr0/bridge')],
  [
    'the bridge has no address',
    'bridge-without-address',
    undefined,
    (world) => put(world, 'dom0', '/etc/network/interfaces', 'iface xenbr0 inet static\n    address 10.9.9.1/24\n'),
  ],
  ['this is no dom0', 'no-dom0', undefined, ({ sh }) => sh('dom0', 'rm /proc/xen/capabilities')],
  ['libvirtd is stopped', 'libvirtd-down', undefined, ({ sh }) => sh('dom0', 'systemctl stop libvirtd')],
  ['a guest is off', 'guest-off', undefined, ({ sh }) => sh('dom0', 'virsh destroy frederick')],
  [
    'a guest is paused, and in no cluster that would fence it',
    'guest-paused',
    undefined,
    async ({ sh }) => {
      await sh('frederick', 'systemctl stop pacemaker');
      await sh('dom0', 'virsh suspend frederick');
    },
  ],
  [
    'a guest is no domain',
    'guest-not-defined',
    9,
    async ({ sh }) => {
      await sh('dom0', 'virsh destroy frederick');
      await sh('dom0', 'virsh undefine frederick');
    },
  ],
  [
    'a guest was made by xl create',
    'made-by-xl',
    9,
    async ({ sh }) => {
      for (const line of ['virsh destroy frederick', 'virsh undefine frederick', 'xl create /etc/xen/frederick'])
        await sh('dom0', line);
    },
  ],
  [
    'a guest that libvirt knows was made by xl create',
    'made-by-xl',
    9,
    async ({ sh }) => {
      for (const line of ['virsh destroy frederick', 'xl create /etc/xen/frederick']) await sh('dom0', line);
    },
  ],
  [
    'a domain has another uuid',
    'uuid-differs',
    9,
    async ({ sh }) => {
      const xml = (await sh('dom0', 'virsh dumpxml --inactive frederick')).stdout;
      await sh('dom0', 'virsh destroy frederick');
      await sh('dom0', 'virsh undefine frederick');
      const other = xml.replace(/<uuid>.*<\/uuid>/, '<uuid>11111111-2222-4333-8444-555555555555</uuid>');
      await sh('dom0', 'virsh define /dev/stdin', other);
      await sh('dom0', 'virsh start frederick');
    },
  ],
  [
    'a card is on another bridge',
    'card-on-another-bridge',
    undefined,
    async (world) => {
      const { sh } = world;
      put(world, 'dom0', '/sys/class/net/xenbr1/bridge/multicast_snooping', '0\n');
      const xml = (await sh('dom0', 'virsh dumpxml --inactive frederick')).stdout;
      await sh('dom0', 'virsh destroy frederick');
      await sh('dom0', 'virsh define /dev/stdin', xml.replace('xenbr0', 'xenbr1'));
      await sh('dom0', 'virsh start frederick');
      await aMoment();
    },
  ],
  [
    'the vif of a guest left the bridge',
    'card-on-another-bridge',
    undefined,
    (world) => {
      put(world, 'dom0', '/sys/class/net/xenbr0/brif/vif1.0/port_no', '1\n');
      for (const port of ['vif1.0', 'vif2.0'])
        put(world, 'dom0', `/sys/class/net/${port}/address`, 'fe:ff:ff:ff:ff:ff\n');
    },
  ],
  [
    'a guest has no address',
    'guest-without-address',
    undefined,
    async (world) => {
      await world.sh('frederick', 'systemctl stop systemd-networkd');
    },
  ],
  [
    'a guest has not booted yet',
    'guest-not-booted',
    undefined,
    async (world) => {
      await world.sh('frederick', 'systemctl stop systemd-networkd');
      put(world, 'dom0', consoleOf('frederick'), 'Loading initial ramdisk ...\n');
    },
  ],
  [
    'a guest has no address, and its kernel went on talking after the login',
    'guest-without-address',
    undefined,
    async (world) => {
      await world.sh('frederick', 'systemctl stop systemd-networkd');
      put(world, 'dom0', consoleOf('frederick'), booted + chatter);
    },
  ],
  [
    'a guest boots anew, and its console has the login of its last boot',
    'guest-not-booted',
    undefined,
    async (world) => {
      await world.sh('frederick', 'systemctl stop systemd-networkd');
      put(world, 'dom0', consoleOf('frederick'), `${booted}${chatter}[    0.000000] Linux version 6.1.0-41-amd64\n`);
    },
  ],
  [
    'a guest goes down, and shows its login above that',
    'guest-not-booted',
    undefined,
    async (world) => {
      await world.sh('frederick', 'systemctl stop systemd-networkd');
      put(world, 'dom0', consoleOf('frederick'), `${booted}[  612.004417] reboot: Power down\n`);
    },
  ],
  [
    'a guest’s host key is not known',
    'guest-without-login',
    undefined,
    (world) => put(world, 'dom0', dom0Paths(lab).knownHosts, ''),
  ],
  ['fence_virtd is stopped', 'fence_virtd-stopped', undefined, ({ sh }) => sh('dom0', 'systemctl stop fence_virtd')],
  ['its URI is another hypervisor', 'wrong-uri', 8, rewritten('xen:///system', 'qemu:///system')],
  [
    'libvirtd was not there when it was started',
    'hypervisor-not-found',
    8,
    async ({ sh }) => {
      for (const line of ['stop libvirtd', 'restart fence_virtd', 'start libvirtd'])
        await sh('dom0', `systemctl ${line}`);
    },
  ],
  [
    'it is not configured',
    'fence_virtd-not-set-up',
    undefined,
    async ({ sh }) => {
      for (const line of ['systemctl stop fence_virtd', `rm ${conf}`]) await sh('dom0', line);
    },
  ],
  ['its configuration cannot be read', 'configuration-unreadable', undefined, rewritten('";', '"')],
  ['it listens on another interface', 'listens-elsewhere', 6, rewritten('"xenbr0"', '"eth0"')],
  ['it listens on an interface that is not there', 'listens-elsewhere', 6, rewritten('"xenbr0"', '"labtest9"')],
  ['it listens to another address family', 'wrong-family', 10, rewritten('"ipv4"', '"ipv6"')],
  ['groups{} forget a guest', 'denied-by-groups', undefined, withGroups('127.0.0.1', '192.168.77.11')],
  ['it listens to another address', 'address-differs', undefined, rewritten('225.0.0.12', '225.0.0.13')],
  ['it listens on another port', 'port-differs', undefined, rewritten('1229', '1230')],
  ['it wants a stronger hash', 'hash-differs', 10, rewritten('family', 'hash = "sha512";\n        family')],
  [
    'its configuration is younger than it',
    'daemon-stale',
    undefined,
    async ({ sh }) => {
      for (const line of ['true', 'true', `touch ${conf}`]) await sh('dom0', line);
    },
  ],
  [
    'the key of dom0 and guests is younger than it',
    'daemon-stale',
    undefined,
    async (world) => {
      for (const machine of ['dom0', 'molly', 'frederick']) put(world, machine, key, Buffer.alloc(4096, 7));
      for (const line of ['true', `touch ${key}`]) await world.sh('dom0', line);
    },
  ],
  [
    'the kernel joined the group elsewhere',
    'group-not-joined',
    6,
    (world) => put(world, 'dom0', '/proc/net/igmp', igmp('eth0')),
  ],
  ['dom0 has no key', 'key-missing-on-dom0', 5, ({ sh }) => sh('dom0', `rm ${key}`)],
  [
    'dom0 has no key, and fence_virtd was started without',
    'key-missing-on-dom0',
    5,
    async ({ sh }) => {
      for (const line of [`rm ${key}`, 'systemctl restart fence_virtd']) await sh('dom0', line);
    },
  ],
  ['a guest has no key', 'key-missing-in-guest', 5, ({ sh }) => sh('frederick', `rm ${key}`)],
  ['a guest has another key', 'keys-differ', 4, (world) => put(world, 'frederick', key, Buffer.alloc(4096, 7))],
  [
    'a longer key differs in what counts',
    'keys-differ',
    4,
    (world) => put(world, 'frederick', key, Buffer.alloc(5000, 7)),
  ],
  [
    'the bridge snoops without a querier',
    'snooping-without-querier',
    7,
    ({ sh }) => sh('dom0', 'ip link set dev xenbr0 type bridge mcast_querier 0'),
  ],
  [
    'corosync.conf of a guest is another',
    'cluster-configuration-differs',
    undefined,
    (world) => put(world, 'frederick', '/etc/corosync/corosync.conf', 'totem {}\n'),
  ],
  [
    'the cluster is stopped on a guest',
    'cluster-stopped',
    undefined,
    async ({ sh }) => {
      await sh('frederick', 'systemctl stop pacemaker');
      await sh('frederick', 'systemctl stop corosync');
    },
  ],
  [
    'pacemaker is stopped on a guest',
    'pacemaker-stopped',
    undefined,
    ({ sh }) => sh('frederick', 'systemctl stop pacemaker'),
  ],
  [
    'a fencer does without the configuration',
    'fencer-without-configuration',
    undefined,
    (world) => loseFencer(world, 'molly'),
  ],
  [
    'fencing is switched off',
    'stonith-disabled',
    undefined,
    ({ sh }) =>
      sh(
        'molly',
        'cibadmin --modify --allow-create -o crm_config --xml-pipe',
        '<crm_config><cluster_property_set id="cib-bootstrap-options"><nvpair id="cib-bootstrap-options-stonith-enabled" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>',
      ),
  ],
  [
    'a fencing resource was removed',
    'fencing-resource-missing',
    undefined,
    (world) => editCib(world, (cib) => cib.replace(/<primitive id="fence-frederick"[^]*?<\/primitive>/, '')),
  ],
  [
    'a fencing resource has another address',
    'fencing-parameters-differ',
    undefined,
    (world) => editCib(world, (cib) => cib.replace('value="225.0.0.12"', 'value="225.0.0.99"')),
  ],
  [
    'a fencing resource runs on the node that it fences',
    'fencing-on-itself',
    undefined,
    (world) => editCib(world, (cib) => cib.replaceAll('score="-INFINITY"', 'score="0"')),
  ],
  [
    'neither node waits',
    'no-delay',
    12,
    async ({ sh }) => {
      const cib = (await sh('molly', 'cibadmin -Q')).stdout;
      for (const [, id, set] of cib.matchAll(/<nvpair id="((fence-\w+-instance_attributes)-pcmk_delay_base)"/g)) {
        const device = set?.replace('-instance_attributes', '');
        await sh(
          'molly',
          'cibadmin --modify -o resources --xml-pipe',
          `<resources><primitive id="${device}"><instance_attributes id="${set}"><nvpair id="${id}" name="pcmk_delay_base" value="0s"/></instance_attributes></primitive></resources>`,
        );
      }
      await aMoment();
    },
  ],
  [
    'the cluster waits less than the agent takes',
    'time-out-too-short',
    12,
    async ({ sh }) => {
      await sh(
        'molly',
        'cibadmin --modify -o crm_config --xml-pipe',
        '<crm_config><cluster_property_set id="cib-bootstrap-options"><nvpair id="cib-bootstrap-options-stonith-timeout" name="stonith-timeout" value="60s"/></cluster_property_set></crm_config>',
      );
      await aMoment();
    },
  ],
];

test.each(provoked)('%s: %s', async (_, name, number, provoke) => {
  const world = await labThatIsUp();
  await provoke(world);
  const { cause, findings, number: found } = await doctor(world);
  expect(cause, told(findings)).toBe(name);
  expect(found).toBe(number);
});

test('a healthy lab: all layers hold', async () => {
  const { findings, diagnosis, cause } = await doctor(await labThatIsUp());
  expect(cause, told(findings)).toBeUndefined();
  expect(diagnosis).toEqual({ allHold: true, says: 'all layers hold' });
  expect(findings.filter(({ state }) => state === 'unknown').map(({ layer }) => layer)).toEqual(['listener']);
});

test('groups{} that let every guest fence the others are no cause', async () => {
  const world = await labThatIsUp();
  await withGroups('127.0.0.1', '192.168.77.11', '192.168.77.12')(world);
  const { findings, diagnosis } = await doctor(world);
  expect(diagnosis.allHold, told(findings)).toBe(true);
});

test('a dom0 on which nothing was built yet', async () => {
  const { findings, diagnosis } = await doctor(await freshWorld());
  expect(diagnosis.cause, told(findings)).toMatchObject({ name: 'guest-not-defined', cure: { command: 'lab up' } });
  expect(stateOf(findings, 'path')).toBe('unknown');
});

test('what comes first in causal order is the cause, whatever else is broken', async () => {
  const world = await labThatIsUp();
  put(world, 'frederick', key, Buffer.alloc(4096, 7));
  await world.sh('dom0', 'ip link set dev xenbr0 type bridge mcast_querier 0');
  expect((await doctor(world)).cause).toBe('keys-differ');
  await world.sh('dom0', 'systemctl stop fence_virtd');
  expect((await doctor(world)).cause).toBe('fence_virtd-stopped');
  await world.sh('dom0', 'virsh destroy molly');
  expect((await doctor(world)).cause).toBe('guest-off');
  await world.sh('dom0', 'systemctl stop libvirtd');
  expect((await doctor(world)).cause).toBe('libvirtd-down');
});
