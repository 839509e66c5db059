import { dom0Address, freeAddresses, showSubnet, toNumber } from './addresses.ts';
import { tokenFor } from '../formats/cluster-conf.ts';
import { beside, KNOWN_DISKS, QUORUM } from './decide.ts';
import type { Finding } from './findings.ts';
import { QUORUMD } from './lab.ts';
import { SAID } from './said.ts';
import type { Spec } from './schema.ts';
import { MiB } from './sizes.ts';

/*
 * What can be judged only from several values at once. The rules on single values are in values.ts. That dom0 must not be a
 * node of its guests' cluster needs no rule here: no guest can be called so (values.ts), and nothing else becomes a node.
 */

/** Which stack goes with which toolstack: true, or why not. */
const TOGETHER: Record<Spec['toolstack'], Record<Spec['cluster']['stack'], true | string>> = {
  libvirt: {
    pacemaker: true,
    cman: 'cman lives on Red Hat systems up to 6, whose dom0 has xm and fence_xvmd; nothing there speaks to fence_virtd’s libvirt',
  },
  xm: {
    pacemaker:
      'pacemaker’s guests are fenced through fence_virtd, which sees domains of libvirt only; xm’s dom0 has fence_xvmd',
    cman: true,
  },
};

/** Everything about a well-formed spec that cannot work on a dom0; empty if it can. */
export function brokenRules(spec: Spec): Finding[] {
  return [
    together,
    cmanOnly,
    identities,
    storage,
    tieBreaker,
    clusterName,
    sharedDisks,
    addresses,
    macs,
    files,
  ].flatMap((rule) => rule(spec));
}

function together({ toolstack, cluster: { stack } }: Spec): Finding[] {
  const answer = TOGETHER[toolstack][stack];
  if (answer === true) return [];
  const path = toolstack === 'libvirt' ? ['cluster', 'stack'] : ['toolstack'];
  const expected = 'toolstack libvirt with stack pacemaker, or xm with cman';
  return [{ path, found: `${toolstack} with ${stack}`, expected, hint: answer }];
}

/** What only one of the two stacks knows. */
function cmanOnly(spec: Spec): Finding[] {
  const { name, guests, image, toolstack, dom0Cluster } = spec;
  const { stack, configVersion, services } = spec.cluster;
  if (TOGETHER[toolstack][stack] !== true) return [];
  if (stack !== 'cman') {
    const written = { configVersion, services, dom0Cluster };
    return Object.entries(written).flatMap(([key, value]): Finding[] =>
      value === undefined
        ? []
        : [
            {
              path: key === 'dom0Cluster' ? [key] : ['cluster', key],
              at: 'key',
              found: key,
              expected: 'it with stack cman only',
            },
          ],
    );
  }
  const findings: Finding[] = [];
  if (image.install.by === 'debian') {
    const expected = 'virtInstall, copy or none';
    const hint = 'Debian has no cman: name the installation tree of a Red Hat system of its day';
    findings.push({ path: ['image', 'install'], found: 'debian with stack cman', expected, hint });
  }
  if (dom0Cluster === undefined || dom0Cluster === 'none') return findings;
  if (dom0Cluster.name?.toLowerCase() === name.toLowerCase()) {
    const expected = 'a name that is not the guests’ cluster’s';
    findings.push({ path: ['dom0Cluster', 'name'], expected, hint: SAID.neverMix });
  }
  if (dom0Cluster.node !== undefined && Object.hasOwn(guests, dom0Cluster.node)) {
    findings.push({ path: ['dom0Cluster', 'node'], expected: 'the dom0, not a guest', hint: SAID.neverMix });
  }
  return findings;
}

/**
 * What a mkfs.gfs2 can do, the one that goes with a stack. Bytes that it needs for each guest's journal, and a little: today's
 * (3.5) makes 2 in 40 MiB, and 16 in 320 (measured); that of cman's day makes every journal 128 MiB (gfs2/mkfs/main_mkfs.c).
 * Characters of the file system's half of a lock table: mkfs.gfs2(8) today, test_locking() there.
 */
const mkfs: Record<Spec['cluster']['stack'], { perJournal: number; longestName: number }> = {
  pacemaker: { perJournal: 20 * MiB, longestName: 30 },
  cman: { perJournal: 150 * MiB, longestName: 16 },
};

function storage({ storage: wanted, disks, guests, cluster }: Spec): Finding[] {
  if (wanted === 'none') return [];
  const { perJournal, longestName } = mkfs[cluster.stack];
  const name = wanted?.disk ?? 'shared';
  if (!Object.hasOwn(disks, name)) {
    if (wanted === undefined) return [];
    return [
      {
        path: ['storage', 'disk'],
        found: name,
        expected: `one of the disks: ${Object.keys(disks).join(', ') || 'there is none'}`,
      },
    ];
  }
  const hint = 'storage: none leaves the disk as it is';
  const bytes = disks[name]?.size ?? KNOWN_DISKS.get(name)?.bytes ?? 0;
  const least = perJournal * Object.keys(guests).length;
  return [
    ...(name.length > longestName
      ? [
          {
            path: ['disks', name],
            at: 'key' as const,
            found: name,
            expected: `a name of at most ${longestName} characters for a GFS2`,
            hint,
          },
        ]
      : []),
    ...(bytes < least
      ? [
          {
            path: ['disks', name, 'size'],
            expected: `at least ${least / MiB}M, for a GFS2 with a journal for each guest`,
            hint,
          },
        ]
      : []),
  ];
}

/** "The minimum size of the block device is 10 Megabytes" (Red Hat Cluster Suite, quorum disk). sbd needs a tenth of it. */
const leastQuorum = 10 * MiB;

/** A tie needs two halves, and a disk of its own that decides. */
function tieBreaker({ cluster, disks, guests, storage: wanted }: Spec): Finding[] {
  if (cluster.tieBreaker === 'none') return [];
  const path = ['cluster', 'tieBreaker'];
  const findings: Finding[] = [];
  const count = Object.keys(guests).length;
  if (count % 2 === 1) {
    const found = `quorum-disk with ${count} ${count === 1 ? 'guest' : 'guests'}`;
    const hint = 'an odd number of guests has no two equal halves: leave tieBreaker out';
    findings.push({ path, found, expected: 'an even number of guests', hint });
  }
  if (!Object.hasOwn(disks, QUORUM)) {
    const found = `quorum-disk without disks.${QUORUM}`;
    const hint = `disks: {${QUORUM}: {size: 10M, device: xvdb}}`;
    return [...findings, { path, found, expected: `a shared disk called ${QUORUM}`, hint }];
  }
  if ((disks[QUORUM]?.size ?? leastQuorum) < leastQuorum) {
    findings.push({ path: ['disks', QUORUM, 'size'], expected: `at least ${leastQuorum / MiB}M, for a quorum disk` });
  }
  if (wanted !== undefined && wanted !== 'none' && wanted.disk === QUORUM) {
    findings.push({ path: ['storage', 'disk'], expected: 'another disk than the tie breaker’s' });
  }
  const { over, better, sum } = tokenFor(QUORUMD);
  if (cluster.stack === 'cman' && cluster.token <= over) {
    const hint = `qdisk(5): the token must outlast qdiskd’s choice of a new master, ${sum}`;
    findings.push({ path: ['cluster', 'token'], expected: `more than ${over}, better ${better}`, hint });
  }
  return findings;
}

/** uuids and node ids that are written must be no other guest's. */
function identities({ guests }: Spec): Finding[] {
  const users = new Map<string, string>();
  return Object.entries(guests).flatMap(([name, { uuid, nodeId }], index) => {
    const own: [string, string | number | undefined][] = [
      ['uuid', uuid],
      ['nodeId', nodeId ?? index + 1],
    ];
    return own.flatMap(([key, value]): Finding[] => {
      const user = value === undefined ? undefined : users.get(`${key} ${value}`);
      users.set(`${key} ${value}`, name);
      return value === undefined || user === undefined
        ? []
        : [taken(['guests', name, key], String(value), user, 'one of its own')];
    });
  });
}

function clusterName({ name, guests }: Spec): Finding[] {
  if (!Object.hasOwn(guests, name.toLowerCase())) return [];
  return [{ path: ['name'], expected: 'a name that no guest has', hint: SAID.clusterName }];
}

function sharedDisks({ disks }: Spec): Finding[] {
  const users = new Map<string, string>();
  return Object.entries(disks).flatMap(([name, { size, device }]): Finding[] => {
    const findings: Finding[] = [];
    if (size === undefined && !KNOWN_DISKS.has(name)) {
      findings.push({ path: ['disks', name, 'size'], expected: 'a size, such as 10G' });
    }
    const user = device && users.get(device);
    if (user) findings.push(taken(['disks', name, 'device'], device, user, 'a device of its own'));
    if (device) users.set(device, name);
    return findings;
  });
}

function addresses({ guests, network: { subnet } }: Spec): Finding[] {
  const users = new Map([[dom0Address(subnet), 'dom0']]);
  const findings: Finding[] = [];
  for (const [name, { address }] of Object.entries(guests)) {
    if (address === undefined) continue;
    const path = ['guests', name, 'address'];
    const number = toNumber(address);
    const user = users.get(address);
    if (number <= subnet.network || number >= subnet.broadcast) {
      findings.push({ path, expected: `an address for a host of ${showSubnet(subnet)}` });
    } else if (user !== undefined) {
      findings.push(taken(path, address, user, 'an address of its own'));
    }
    users.set(address, name);
  }
  const count = Object.keys(guests).length;
  const room = freeAddresses(subnet, [], count).length;
  if (room < count) {
    const found = `${showSubnet(subnet)}, which has room for dom0 and ${room}`;
    findings.push({ path: ['network', 'subnet'], found, expected: `room for ${count} guests` });
  }
  return findings;
}

/** Counting up stays in the last three bytes: the first three are a vendor's, 00:16:3e is Xen's. So no MAC becomes multicast. */
function macs({ guests, network: { mac } }: Spec): Finding[] {
  const count = Object.keys(guests).length;
  const last = Number.parseInt(mac.replaceAll(':', '').slice(6), 16);
  if (last + count <= 0xffffff) return [];
  return [
    { path: ['network', 'mac'], expected: `room to count up ${count} in its last three bytes`, hint: SAID.increment },
  ];
}

/** No file of the lab on dom0 is another one, or lies below another one. */
function files({ guests, disks, image, fencing }: Spec): Finding[] {
  const all: { is: string; file: string; path: string[] }[] = [
    { is: 'the default image', file: image.path, path: ['image', 'path'] },
    ...Object.keys(guests).flatMap((name) => [
      { is: `the image of ${name}`, file: beside(image.path, `${name}.img`), path: ['guests', name] },
      { is: `the domain file of ${name}`, file: `/etc/xen/${name}`, path: ['guests', name] },
    ]),
    ...Object.keys(disks).map((name) => {
      return { is: `the shared disk ${name}`, file: beside(image.path, `${name}.dsk`), path: ['disks', name] };
    }),
    { is: 'the fencing key', file: fencing.key, path: ['fencing', 'key'] },
  ];
  // The first file that is at a path, and the first that lies below it.
  const [at, below] = [new Map<string, number>(), new Map<string, number>()];
  return all.flatMap(({ is, file, path }, index): Finding[] => {
    const above = directoriesOf(file);
    const others = [below.get(file), ...[file, ...above].map((name) => at.get(name))].flatMap((n) => n ?? []);
    if (!at.has(file)) at.set(file, index);
    for (const name of above) if (!below.has(name)) below.set(name, index);
    const other = all[Math.min(...others)];
    if (!other) return [];
    const found = `${is} at ${file} and ${other.is} at ${other.file}`;
    return [{ path, found, expected: 'a file of its own for each', hint: SAID.mustChange }];
  });
}

/** `/a/b/c` → `/a/b`, `/a`. */
function directoriesOf(file: string): readonly string[] {
  const parts = file.split('/').slice(1, -1);
  return parts.map((_, n) => `/${parts.slice(0, parts.length - n).join('/')}`);
}

function taken(path: string[], value: string, user: string, expected: string): Finding {
  return { path, found: `${value}, which ${user} has already`, expected };
}
