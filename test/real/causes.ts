import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { groupInHex } from '../../src/doctor/listener.ts';
import { dom0Paths } from '../../src/spec/paths.ts';
import { directory, file, inGuest, lab, onDom0, spec } from './lab.ts';

/** A way in which fencing fails, made on the real thing. */
export interface Provocation {
  /** What the doctor must call it (docs/doctor.md). */
  readonly cause: string;
  /** How it is made, in words. */
  readonly by: string;
  provoke(): Promise<unknown>;
  /** What takes it away: `lab doctor --fix`, the command that the cure says, or only `undo`. */
  readonly heals: 'fix' | 'typed' | 'undo';
  /** The cause that the cure leaves behind on purpose. */
  readonly leaves?: string;
  /** Takes away every trace, also when it was healed already. */
  undo(): Promise<unknown>;
  /** Another lab.yaml for the doctor. */
  readonly file?: string;
  /** One of the few that run by default. */
  readonly quick?: true;
}

const { network, fencing, guests } = spec;
const { bridge, dom0Address, prefix, subnet } = network;
const { key, port } = fencing;
const [first, second] = guests;
if (!first || !second) throw new Error(`${file} has ${guests.length} guests: two are needed`);
const conf = '/etc/fence_virt.conf';
const virsh = 'virsh -c xen:///system';
/** Where a file is kept meanwhile. */
const aside = (path: string) => `${path}.labtest`;
const back = (path: string) => `[ ! -e ${aside(path)} ] || mv ${aside(path)} ${path}`;

const dom0 = (script: string) => () => onDom0(script);
/** In the second guest: so the path from the first one holds, where only one is harmed. */
const guest = (script: string) => () => inGuest(second.name, script);

/** dom0's configuration is edited, and read by a daemon that is started anew. */
const configured = (edit: string, ...after: readonly string[]) =>
  dom0(
    [
      `cp -a ${conf} ${aside(conf)}`,
      `sed -i '${edit}' ${conf}`,
      `! cmp -s ${conf} ${aside(conf)}`,
      'systemctl restart fence_virtd',
      ...after,
    ].join(' && '),
  );
/** Waits until a command passes, for some seconds; then goes on all the same. */
const until = (passes: string, seconds: number) =>
  `{ n=0; until ${passes} || [ $n = ${seconds} ]; do sleep 1; n=$((n + 1)); done; }`;
/** A daemon that ends at once is started again a few times (`Restart=on-failure`); on a slow machine for ever. */
const givenUp = until('systemctl is-failed -q fence_virtd', 30);
const restart = 'systemctl reset-failed fence_virtd; systemctl restart fence_virtd';
const confBack = dom0(`${back(conf)}; ${restart}`);

const nft = (rule: string, hook = 'input') =>
  `nft 'table inet labtest { chain ${hook} { type filter hook ${hook} priority 0; ${rule}; }; }'`;
const nftBack = 'nft delete table inet labtest 2>&1 || true';
const lost = (protocol: string) => `protocol ip flower ip_proto ${protocol} dst_port ${port} action drop`;

/** The guests have no nft: dom0's, of the same Debian, is lent to one of them. */
const { loginKey, knownHosts } = dom0Paths(spec);
const toSecond = `ssh -F /dev/null -o BatchMode=yes -o ConnectTimeout=60 -i ${loginKey} -o UserKnownHostsFile=${knownHosts} root@${second.address}`;
const lend = `libs=$(ldd /usr/sbin/nft | awk '/nftables|nftnl|jansson/ { print $3 }') && tar -chf - /usr/sbin/nft $libs | ${toSecond} 'mkdir -p /opt/labtest && tar -xf - -C /opt/labtest'`;
const lent = `printf '#!/bin/sh\\nLD_LIBRARY_PATH=/opt/labtest/lib/x86_64-linux-gnu exec /opt/labtest/usr/sbin/nft "$@"\\n' > /usr/sbin/nft && chmod 755 /usr/sbin/nft`;
/** A rule in the second guest, and what takes it away. */
const ruleInGuest = (rule: string, hook?: string) => async () => {
  await onDom0(lend);
  await inGuest(second.name, `${lent} && ${nft(rule, hook)}`);
};
const ruleFromGuest = guest(`[ ! -e /opt/labtest ] || { ${nftBack}; rm -r /opt/labtest /usr/sbin/nft; }`);

const libvirtUnits = 'libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service';
const driver = '/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_libxl.so';
const routeBack = `ip route replace ${subnet} dev ${bridge} proto kernel scope link src ${dom0Address}`;

/** lab.yaml with a typing error in a guest's uuid. */
const mistyped = join(directory, 'mistyped.yaml');
function mistype(): void {
  const document = parseDocument(readFileSync(file, 'utf8'));
  const own: object = document.toJS().guests[second?.name ?? ''] ?? {};
  document.setIn(
    ['guests', second?.name],
    document.createNode({ ...own, uuid: '6f2a7e0e-0000-4000-8000-000000000000' }),
  );
  writeFileSync(mistyped, String(document));
}

/** The cluster runs throughout, and nobody notices. */
export const whileItRuns: readonly Provocation[] = [
  {
    cause: 'host-firewall',
    by: 'a rule of nft on dom0',
    provoke: dom0(nft(`iifname "${bridge}" udp dport ${port} counter drop`)),
    heals: 'fix',
    undo: dom0(nftBack),
    quick: true,
  },
  {
    cause: 'no-route',
    by: 'the route to the guests deleted',
    provoke: dom0(`ip route del ${subnet} dev ${bridge}`),
    heals: 'fix',
    undo: dom0(routeBack),
    quick: true,
  },
  {
    cause: 'keys-differ',
    by: 'another key in a guest',
    provoke: guest(`cp -a ${key} ${aside(key)} && dd if=/dev/urandom of=${key} bs=4096 count=1 conv=notrunc`),
    heals: 'undo',
    undo: guest(back(key)),
    quick: true,
  },
  {
    cause: 'listens-elsewhere',
    by: 'another interface that is there',
    provoke: configured(`s/interface = "${bridge}"/interface = "eth0"/`),
    heals: 'fix',
    undo: confBack,
    quick: true,
  },
  {
    cause: 'snooping-without-querier',
    by: 'snooping switched on',
    provoke: dom0(`echo 1 > /sys/class/net/${bridge}/bridge/multicast_snooping`),
    heals: 'fix',
    undo: dom0(`cd /sys/class/net/${bridge}/bridge && echo 0 > multicast_querier && echo 0 > multicast_snooping`),
    quick: true,
  },
  {
    cause: 'fence_virtd-stopped',
    by: 'stopped',
    provoke: dom0('systemctl stop fence_virtd'),
    heals: 'fix',
    undo: dom0('systemctl start fence_virtd'),
  },
  {
    cause: 'daemon-stale',
    by: 'its configuration touched',
    provoke: dom0(`sleep 1; touch ${conf}`),
    heals: 'fix',
    undo: dom0(restart),
  },
  {
    cause: 'host-firewall',
    by: 'a rule of iptables on dom0',
    provoke: dom0(`iptables -I INPUT -i ${bridge} -p udp --dport ${port} -j DROP`),
    heals: 'fix',
    undo: dom0(`iptables -D INPUT -i ${bridge} -p udp --dport ${port} -j DROP 2>&1 || true`),
  },
  {
    cause: 'host-firewall',
    by: 'a last rule that rejects all, as RHEL has it',
    provoke: dom0(
      [
        'iptables -N LABTEST',
        ...['-i lo -j ACCEPT', '-i eth0 -j ACCEPT', '-p icmp -j ACCEPT'].map((rule) => `iptables -A LABTEST ${rule}`),
        'iptables -A LABTEST -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
        'iptables -A LABTEST -j REJECT',
        'iptables -A INPUT -j LABTEST',
      ].join(' && '),
    ),
    heals: 'typed',
    undo: dom0(
      [
        'iptables -D INPUT -j LABTEST',
        'iptables -F LABTEST',
        'iptables -X LABTEST',
        `iptables -D INPUT -i ${bridge} -p udp --dport ${port} -j ACCEPT`,
        'true',
      ].join('; '),
    ),
  },
  {
    cause: 'host-firewall',
    by: 'a table of nft of its own that drops, while iptables lets it in',
    provoke: dom0(
      `iptables -I INPUT -i ${bridge} -p udp --dport ${port} -j ACCEPT && ` +
        nft(
          'policy drop; iifname "eth0" accept; iif lo accept; ct state established,related accept; ip protocol icmp accept',
        ),
    ),
    heals: 'typed',
    undo: dom0(`${nftBack}; iptables -D INPUT -i ${bridge} -p udp --dport ${port} -j ACCEPT 2>&1 || true`),
  },
  {
    cause: 'no-route',
    by: 'a route to one guest over another card',
    provoke: dom0(`ip route add ${second.address}/32 dev eth0`),
    heals: 'fix',
    undo: dom0(`ip route del ${second.address}/32 2>&1; ${routeBack}`),
  },
  {
    cause: 'no-route',
    by: 'a route that leads nowhere',
    provoke: dom0(`ip route add blackhole ${second.address}/32`),
    heals: 'fix',
    undo: dom0(`ip route del blackhole ${second.address}/32 2>&1; ${routeBack}`),
  },
  {
    cause: 'key-missing-in-guest',
    by: 'no key in a guest',
    provoke: guest(`mv ${key} ${aside(key)}`),
    heals: 'undo',
    undo: guest(back(key)),
  },
  {
    cause: 'key-missing-on-dom0',
    by: 'no key on dom0: a new one is made, which the guests have not',
    provoke: dom0(`mv ${key} ${aside(key)}`),
    heals: 'fix',
    leaves: 'keys-differ',
    undo: dom0(`${back(key)}; ${restart}`),
  },
  {
    cause: 'group-not-joined',
    by: 'a daemon that read another interface, before its configuration was put right',
    provoke: configured(
      `s/interface = "${bridge}"/interface = "eth0"/`,
      until(`grep -q ${groupInHex(fencing.address)} /proc/net/igmp`, 60),
      `mv ${aside(conf)} ${conf}`,
    ),
    heals: 'fix',
    undo: confBack,
  },
  {
    cause: 'listens-elsewhere',
    by: 'an interface that is not there',
    provoke: configured(`s/interface = "${bridge}"/interface = "labtest9"/`, givenUp),
    heals: 'fix',
    undo: confBack,
  },
  {
    cause: 'wrong-family',
    by: 'IPv6 instead of IPv4',
    provoke: configured('s/family = "ipv4"/family = "ipv6"/', givenUp),
    heals: 'fix',
    undo: confBack,
  },
  {
    cause: 'wrong-uri',
    by: 'the URI that Debian’s package comes with',
    provoke: configured('s,uri = "xen:///system",uri = "qemu:///system",'),
    heals: 'fix',
    undo: confBack,
  },
  {
    cause: 'wrong-uri',
    by: 'a URI that nobody answers',
    provoke: configured('s,uri = "xen:///system",uri = "lxc:///system",', givenUp),
    heals: 'fix',
    undo: confBack,
  },
  {
    cause: 'libvirtd-down',
    by: 'stopped',
    provoke: dom0(`systemctl stop ${libvirtUnits}`),
    heals: 'fix',
    undo: dom0('systemctl start libvirtd'),
  },
  {
    cause: 'hypervisor-not-found',
    by: 'fence_virtd started while libvirt was down',
    provoke: dom0(
      // The last ten seconds: so long systemd refuses to start it again.
      `systemctl stop ${libvirtUnits} && systemctl restart fence_virtd && ${givenUp} && systemctl start libvirtd && systemctl is-failed fence_virtd && sleep 10`,
    ),
    heals: 'fix',
    undo: dom0('systemctl start libvirtd; systemctl reset-failed fence_virtd; systemctl start fence_virtd'),
  },
  {
    cause: 'libvirt-driver-missing',
    by: 'libvirt’s driver for Xen moved away',
    provoke: dom0(`mv ${driver} ${aside(driver)} && systemctl restart libvirtd`),
    heals: 'undo',
    undo: dom0(`${back(driver)}; systemctl restart libvirtd; ${restart}`),
  },
  {
    cause: 'uuid-differs',
    by: 'a typing error in lab.yaml',
    provoke: async () => mistype(),
    heals: 'undo',
    undo: async () => rmSync(mistyped, { force: true }),
    file: mistyped,
  },
  {
    cause: 'guest-port-taken',
    by: 'a program that listens',
    provoke: guest(
      `systemd-run -q --unit=labtest-port python3 -c 'import socket, time; s = socket.create_server(("", ${port})); time.sleep(3600)' && ` +
        until(`ss -Hltn | grep -q ':${port} '`, 30),
    ),
    heals: 'typed',
    undo: guest('systemctl stop labtest-port; systemctl reset-failed labtest-port; true'),
  },
  {
    cause: 'guest-firewall',
    by: 'a rule of nft in a guest',
    provoke: ruleInGuest(`tcp dport ${port} counter drop`),
    heals: 'fix',
    undo: ruleFromGuest,
  },
  {
    cause: 'guest-firewall-out',
    by: 'a rule of nft in a guest against its own requests',
    provoke: ruleInGuest(`udp dport ${port} counter drop`, 'output'),
    heals: 'fix',
    undo: ruleFromGuest,
  },
  // From here on no rule and no file tells: the path is tried, and what client and fence_virtd say decides.
  {
    cause: 'guest-firewall-out',
    by: 'a rule behind the way out of a guest, where the doctor does not look for rules',
    provoke: ruleInGuest(`udp dport ${port} counter drop`, 'postrouting'),
    heals: 'undo',
    undo: ruleFromGuest,
  },
  {
    cause: 'denied-by-groups',
    by: 'groups{} that have one guest only',
    provoke: configured(
      `$a groups { group { ip = "127.0.0.1"; ip = "${dom0Address}"; ip = "${first.address}"; ${guests.map((one) => `uuid = "${one.name}";`).join(' ')} } }\n/^groups {/,$d`,
    ),
    heals: 'fix',
    undo: confBack,
  },
  {
    cause: 'guest-firewall',
    by: 'a filter of tc(8) in a guest, which no rule of nft shows',
    provoke: guest(`tc qdisc add dev eth0 clsact && tc filter add dev eth0 ingress ${lost('tcp')}`),
    heals: 'undo',
    undo: guest('tc qdisc del dev eth0 clsact 2>&1 || true'),
  },
  {
    cause: 'host-firewall',
    by: 'a rule by source, which cannot be judged: the path decides',
    provoke: dom0(nft(`ip saddr ${subnet} udp dport ${port} counter drop`)),
    heals: 'typed',
    undo: dom0(nftBack),
  },
  {
    cause: 'request-lost',
    by: 'a filter of tc(8) between a guest and the bridge',
    provoke: dom0(
      `vif=vif$(${virsh} domid ${second.name} | head -1).0 && tc qdisc add dev $vif clsact && tc filter add dev $vif ingress ${lost('udp')}`,
    ),
    heals: 'undo',
    undo: dom0(`tc qdisc del dev vif$(${virsh} domid ${second.name} | head -1).0 clsact 2>&1 || true`),
  },
  {
    cause: 'keys-differ',
    by: 'a key longer than what counts of it, so that the path decides',
    provoke: guest(`cp -a ${key} ${aside(key)} && dd if=/dev/urandom of=${key} bs=5000 count=1 conv=notrunc`),
    heals: 'undo',
    undo: guest(back(key)),
  },
];

const up = ['up', '--file', file, '--host', 'sandbox'];
async function whole(args: readonly string[] = up): Promise<void> {
  const { code, stdout, stderr } = await lab(args);
  if (code !== 0) throw new Error(`lab ${args[0]}: exit code ${code}: ${stdout.slice(-2000)}${stderr.slice(-2000)}`);
}

/** Whoever lost its address in a running cluster would be fenced: so the cluster is stopped there first, and started again. */
export const withoutCluster: readonly Provocation[] = [
  {
    cause: 'guest-without-address',
    by: 'its address taken away for four minutes',
    async provoke() {
      const at = 'systemd-run -q --timer-property=AccuracySec=1s';
      await inGuest(second.name, 'systemctl stop pacemaker && systemctl stop corosync');
      await inGuest(
        second.name,
        `${at} --on-active=240 ip address replace ${second.address}/${prefix} dev eth0 && ${at} --on-active=3 ip address del ${second.address}/${prefix} dev eth0`,
      );
      await onDom0(until(`! ping -c 1 -W 1 ${second.address}`, 60));
    },
    heals: 'undo',
    async undo() {
      await onDom0(until(`ping -c 1 -W 1 ${second.address}`, 300));
      await whole();
    },
  },
  {
    cause: 'made-by-xl',
    by: 'xl create, while its domain in libvirt is off',
    async provoke() {
      await whole(['down', '--file', file, '--host', 'sandbox']);
      // Paused: it is there, and writes nothing.
      await onDom0(`xl create -p ${first.domainFile}`);
    },
    heals: 'undo',
    async undo() {
      await onDom0(`${virsh} list --name | grep -qx ${first.name} || xl destroy ${first.name} 2>&1 || true`);
      await whole();
    },
  },
];
