import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Lab } from '../../src/spec/lab.ts';
import { defaultLab, readLab } from '../../src/spec/read.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** What the contract's lab.yaml means, written out by hand. The document's MACs are these too: …:fe and …:ff. */
const LOLCATS: Lab = {
  name: 'lolcats',
  toolstack: 'libvirt',
  guests: [
    {
      name: 'molly',
      memoryMiB: 512,
      vcpus: 1,
      address: '192.168.77.11',
      uuid: '54ea7637-6b34-5d5e-be13-b578c0669e74',
      mac: '00:16:3e:00:cf:fe',
      nodeId: 1,
      disk: '/guests/molly.img',
      domainFile: '/etc/xen/molly',
    },
    {
      name: 'frederick',
      memoryMiB: 512,
      vcpus: 1,
      address: '192.168.77.12',
      uuid: 'fb9d5188-fc77-5808-9e2e-c93e46a9248d',
      mac: '00:16:3e:00:cf:ff',
      nodeId: 2,
      disk: '/guests/frederick.img',
      domainFile: '/etc/xen/frederick',
    },
  ],
  image: {
    path: '/guests/default.img',
    bytes: 10 * GiB,
    install: { by: 'debian', suite: 'bookworm' },
    uuid: 'eae5a45b-1ae5-5b25-80a8-5db84f179fa0',
  },
  disks: [
    { name: 'quorum', path: '/guests/quorum.dsk', bytes: 10 * MiB, device: 'xvdb' },
    { name: 'shared', path: '/guests/shared.dsk', bytes: 10 * GiB, device: 'xvdc' },
  ],
  network: {
    bridge: 'xenbr0',
    subnet: '192.168.77.0/24',
    prefix: 24,
    dom0Address: '192.168.77.1',
    mac: '00:16:3e:00:cf:fd',
  },
  fencing: { key: '/etc/cluster/fence_xvm.key', address: '225.0.0.12', port: 1229 },
  cluster: { stack: 'pacemaker', token: 21000, configVersion: 1 },
  storage: {
    disk: { name: 'shared', path: '/guests/shared.dsk', bytes: 10 * 1024 ** 3, device: 'xvdc' },
    directory: '/shared',
    table: 'lolcats:shared',
  },
  dom0Cluster: { name: 'lolcats-dom0' },
  annotate: false,
  source: expect.any(String) as string,
};

const CONTRACT = `name: lolcats               # cluster name, at most 16 of [A-Za-z0-9_-]
host: sandbox
toolstack: libvirt          # libvirt | xm
guests:
  molly:     {memory: 512M, vcpus: 1, address: 192.168.77.11}
  frederick: {}
image:   {path: /guests/default.img, size: 10G, install: {debian: bookworm}}
disks:   {quorum: {size: 10M, device: xvdb}, shared: {size: 10G, device: xvdc}}
network: {bridge: xenbr0, subnet: 192.168.77.0/24, mac: "00:16:3e:00:cf:fd"}
fencing: {key: /etc/cluster/fence_xvm.key, address: 225.0.0.12, port: 1229}
cluster: {stack: pacemaker, token: 21000}    # pacemaker | cman
annotate: false
`;

const lab = (text: string) => readLab(text, 'lab.yaml');

describe('defaults', () => {
  it('are the document’s lab', () => expect(defaultLab()).toEqual(LOLCATS));
  it('are what the contract’s lab.yaml says', () => expect(lab(CONTRACT)).toEqual({ ...LOLCATS, host: 'sandbox' }));
  it('are what examples/lab.yaml says', () => {
    expect(lab(readFileSync('examples/lab.yaml', 'utf8'))).toEqual(LOLCATS);
  });
  it('fill sections that are there and empty', () => {
    expect(lab('guests: {molly: , frederick: }\nimage:\nnetwork:\nfencing:\ncluster:\n')).toEqual(LOLCATS);
  });
});

describe('guests', () => {
  it('without an address get the next free one from .11 up, in order', () => {
    const { guests } = lab('guests: {a: {}, b: {address: 192.168.77.11}, c: {}, d: {address: 192.168.77.13}, e: {}}');
    expect(guests.map(({ address }) => address.slice(11))).toEqual(['12', '11', '14', '13', '15']);
  });
  it('fit into a small subnet, below .11', () => {
    const { guests, network } = lab('guests: {a: {}, b: {}}\nnetwork: {subnet: 10.1.2.248/29}');
    expect(guests.map(({ address }) => address)).toEqual(['10.1.2.250', '10.1.2.251']);
    expect(network).toMatchObject({ subnet: '10.1.2.248/29', prefix: 29, dom0Address: '10.1.2.249' });
  });
  it('wrap to the addresses below .11 where those above are used up', () => {
    const { guests } = lab('guests: {a: {}, b: {}, c: {}, d: {}, e: {}}\nnetwork: {subnet: 10.0.0.0/28}');
    expect(guests.map(({ address }) => address.slice(7))).toEqual(['11', '12', '13', '14', '2']);
  });
  it('have a uuid of lab and guest: the same each time, another in another lab', () => {
    expect(lab('guests: {frederick: }').guests[0]?.uuid).toBe(LOLCATS.guests[1]?.uuid);
    expect(lab('name: dogs\nguests: {molly: }').guests[0]?.uuid).not.toBe(LOLCATS.guests[0]?.uuid);
  });
  it('lie beside the default image, in memory of MiB', () => {
    const [molly] = lab('guests: {molly: {memory: 2GiB, vcpus: 4}}\nimage: {path: /default.img}').guests;
    expect(molly).toMatchObject({ memoryMiB: 2048, vcpus: 4, disk: '/molly.img' });
  });
  it('may share what they are through an alias', () => {
    expect(lab('guests: {a: &it {memory: 1G}, b: *it}').guests.map(({ memoryMiB }) => memoryMiB)).toEqual([1024, 1024]);
  });
  it('may be called what every JavaScript object has', () => {
    expect(lab('guests: {constructor: }\ndisks: {constructor: {size: 1G}}').disks[0]?.device).toBe('xvdb');
  });
});

describe('shared disks', () => {
  const devices = (text: string) =>
    lab(`guests: {a: }\ndisks: ${text}`).disks.map(({ name, device }) => [name, device]);
  it('are none for {}', () => expect(devices('{}')).toEqual([]));
  it('come in the order of their devices', () => {
    expect(devices('{one: {size: 1M, device: xvdz}, two: {size: 1M, device: xvdd}}')).toEqual([
      ['two', 'xvdd'],
      ['one', 'xvdz'],
    ]);
  });
  it('get the first free device; quorum and shared the document’s if it is free', () => {
    expect(devices('{data: {size: 1G}, shared: {}, quorum: {}, log: {device: xvdb, size: 1M}}')).toEqual([
      ['log', 'xvdb'],
      ['shared', 'xvdc'],
      ['data', 'xvdd'],
      ['quorum', 'xvde'],
    ]);
  });
});

describe('install', () => {
  const sum = 'AB'.repeat(32);
  it.each([
    ['none', { by: 'none' }],
    [`{copy: /srv/golden.img, sha256: ${sum}}`, { by: 'copy', from: '/srv/golden.img', sha256: sum.toLowerCase() }],
    [
      `{copy: "https://x.org/a?b=c", sha256: ${sum}}`,
      { by: 'copy', from: 'https://x.org/a?b=c', sha256: sum.toLowerCase() },
    ],
    ['{virtInstall: {location: http://x.org/el6}}', { by: 'virtInstall', location: 'http://x.org/el6', extraArgs: [] }],
    [
      '{virtInstall: {location: /srv/el6, extraArgs: [ks=http://x.org/ks.cfg, text]}}',
      { by: 'virtInstall', location: '/srv/el6', extraArgs: ['ks=http://x.org/ks.cfg', 'text'] },
    ],
  ])('%s', (text, install) => expect(lab(`guests: {a: }\nimage: {install: ${text}}`).image.install).toEqual(install));
});

it.each([
  'local',
  'sandbox',
  'ssh://ayanami',
  'ssh://root@10.0.0.1:2222',
  'ssh://root@[fe80::1]:22',
  'simulated:/tmp/x y',
])('host: %s', (host) => expect(lab(`guests: {a: }\nhost: "${host}"`).host).toBe(host));

it('freezes all of the lab', () => {
  const frozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
  expect(frozen(defaultLab())).toBe(true);
});

const two = 'guests: {molly: , frederick: }\n';
const cman = `${two}toolstack: xm\nimage: {install: none}\n`;
const says = (text: string) => () => readLab(text, 'lab.yaml');

it('is off by default, and the disk called quorum if it is on', () => {
  expect(readLab(two, 'lab.yaml').cluster.tieBreaker).toBeUndefined();
  expect(readLab(`${two}cluster: {tieBreaker: none}`, 'lab.yaml').cluster.tieBreaker).toBeUndefined();
  const text = `${two}disks: {quorum: {size: 20M, device: xvdd}}\ncluster: {tieBreaker: quorum-disk}`;
  const { cluster, disks } = readLab(text, 'lab.yaml');
  expect(cluster.tieBreaker).toMatchObject({ name: 'quorum', device: 'xvdd', bytes: 20 * 1024 ** 2 });
  expect(disks).toContain(cluster.tieBreaker);
});

describe('a tie breaker that cannot work', () => {
  it.each([
    [
      `${two}disks: {shared: }\ncluster: {tieBreaker: quorum-disk}`,
      'lab.yaml:3:23: cluster.tieBreaker: found quorum-disk without disks.quorum, expected a shared disk called quorum',
    ],
    [
      `${two}disks: {quorum: {size: 9M}, shared: }\ncluster: {tieBreaker: quorum-disk}`,
      'lab.yaml:2:24: disks.quorum.size: found "9M", expected at least 10M, for a quorum disk',
    ],
    [
      'guests: {molly: }\ncluster: {tieBreaker: quorum-disk}',
      'lab.yaml:2:23: cluster.tieBreaker: found quorum-disk with 1 guest, expected an even number of guests',
    ],
    [
      'guests: {a: , b: , c: }\ncluster: {tieBreaker: quorum-disk}',
      'lab.yaml:2:23: cluster.tieBreaker: found quorum-disk with 3 guests, expected an even number of guests',
    ],
    [
      `${two}disks: {quorum: {size: 1G}}\nstorage: {disk: quorum}\ncluster: {tieBreaker: quorum-disk}`,
      'lab.yaml:3:17: storage.disk: found "quorum", expected another disk than the tie breaker’s',
    ],
    [
      `${cman}cluster: {stack: cman, tieBreaker: quorum-disk, token: 17000}`,
      'lab.yaml:4:56: cluster.token: found the number 17000, expected more than 17000, better 21000',
    ],
    [
      `${two}cluster: {tieBreaker: quorumdisk}`,
      'lab.yaml:2:23: cluster.tieBreaker: found "quorumdisk", expected none or quorum-disk',
    ],
  ])('%j', (text, message) => expect(says(text)).toThrow(message));

  it('but does, just so', () => {
    expect(says(`${cman}cluster: {stack: cman, tieBreaker: quorum-disk, token: 17001}`)).not.toThrow();
    expect(says(`${two}cluster: {tieBreaker: quorum-disk, token: 1000}`)).not.toThrow();
    expect(says('guests: {a: , b: , c: , d: }\ncluster: {tieBreaker: quorum-disk}')).not.toThrow();
  });
});
