import { describe, expect, it } from 'vitest';
import { BadInput } from '../../src/model/errors.ts';
import { NOT_XL } from '../../src/spec/schema.ts';
import { readLab } from '../../src/spec/read.ts';

/** What readLab complains about: the message, a line for each complaint or hint. */
function complaints(text: string): string[] {
  try {
    readLab(text, 'lab.yaml');
  } catch (error) {
    if (error instanceof BadInput) return error.message.split('\n');
    throw error;
  }
  return [];
}

const guests = 'guests: {molly: }\n';
const NAMES = 'a host name: lower-case letters, digits and -, from a letter to a letter or digit, at most 63';
const NEVER_MIX =
  '  the document says: “Never mix domU and dom0 nodes in the same cluster. Doing so leads to ugly quorum problems.”';
const KEYS = 'name, host, toolstack, guests, image, disks, network, fencing, cluster, storage, dom0Cluster or annotate';
const SIZES = 'a size with its unit (K, M, G or T, counted in 1024s), such as 512M or 10G';
const PATHS = 'an absolute path of letters, digits, . _ - and /, without . and .. parts';

describe('a file that is no lab', () => {
  it.each([
    ['', 'lab.yaml:1:1: found nothing, expected a lab with guests'],
    ['# later\n', 'lab.yaml:1:1: found nothing, expected a lab with guests'],
    ['~', `lab.yaml:1:1: found nothing, expected a mapping with ${KEYS}`],
    ['\n- molly\n', `lab.yaml:2:1: found a list, expected a mapping with ${KEYS}`],
    ['molly', `lab.yaml:1:1: found "molly", expected a mapping with ${KEYS}`],
    [`${guests}---\n${guests}`, 'lab.yaml:2:1: found a second document (---), expected one'],
    [`${guests}guests: {}`, 'lab.yaml:2:1: found the key "guests" a second time, expected it once'],
    ['guests:\n  a: {memory: 1G, memory: 2G}', 'lab.yaml:2:19: found the key "memory" a second time, expected it once'],
    [
      'guests: [',
      'lab.yaml:1:10: bad YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['guests: *g', 'lab.yaml:1:9: bad alias: Unresolved alias (the anchor must be set before the alias): g'],
    ['guests: !!binary aGk=', 'lab.yaml:1:9: bad YAML: Unresolved tag: tag:yaml.org,2002:binary'],
    ['guests: {__proto__: {}, molly: }', 'lab.yaml:1:10: found a key that cannot be a name, expected a plain name'],
    ['guests:\n  ? [a]\n  : {}', 'lab.yaml:2:5: found a key that cannot be a name, expected a plain name'],
  ])('%j', (text, message) => expect(complaints(text)).toEqual([message]));

  it('is too deep, or too long', () => {
    expect(complaints('{'.repeat(30_000))).toEqual(['lab.yaml:1:33: found more than 32 levels, one within another']);
    expect(complaints('a'.repeat(32_769))).toEqual(['lab.yaml:1:1: found 32769 characters, expected at most 32768']);
  });
  it('multiplies by aliases', () => {
    const bomb = Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(9)}]`);
    const message = complaints(['a0: &a0 [x]', ...bomb].join('\n'));
    expect(message).toEqual([
      expect.stringMatching(
        /^lab\.yaml:\d+:\d+: bad alias: Excessive alias count indicates a resource exhaustion attack$/,
      ),
    ]);
  });
  it('contains itself', () => {
    expect(complaints('guests: &g {a: *g}')).toEqual([
      'lab.yaml:1:13: guests.a: found the unknown key "a", expected memory, vcpus, address, uuid or nodeId',
    ]);
  });
});

describe('a single value', () => {
  it.each([
    [
      'name: lolcats',
      ['lab.yaml:1:1: guests: found nothing, expected 1 to 16 guests, such as {molly: {}, frederick: {}}'],
    ],
    [
      'guests: {}',
      ['lab.yaml:1:9: guests: found an empty mapping, expected 1 to 16 guests, such as {molly: {}, frederick: {}}'],
    ],
    [
      `guests: {${Array.from({ length: 17 }, (_, n) => `g${n}: `)}}`,
      ['lab.yaml:1:9: guests: found a mapping of 17, expected 1 to 16 guests, such as {molly: {}, frederick: {}}'],
    ],
    ['guests:\n', ['lab.yaml:1:1: guests: found nothing, expected 1 to 16 guests, such as {molly: {}, frederick: {}}']],
    [
      'guests: [molly]',
      ['lab.yaml:1:9: guests: found a list, expected 1 to 16 guests, such as {molly: {}, frederick: {}}'],
    ],
    [
      'guests: {molly: {memroy: 1G}}',
      [
        'lab.yaml:1:18: guests.molly: found the unknown key "memroy", expected memory, vcpus, address, uuid or nodeId',
        '  did you mean "memory"?',
      ],
    ],
    [
      `${guests}Cluster: {}`,
      [`lab.yaml:2:1: found the unknown key "Cluster", expected ${KEYS}`, '  did you mean "cluster"?'],
    ],
    [`${guests}sausage: 1`, [`lab.yaml:2:1: found the unknown key "sausage", expected ${KEYS}`]],
    [
      `${guests}cluster:\n  stack: pacmaker`,
      ['lab.yaml:3:10: cluster.stack: found "pacmaker", expected pacemaker or cman', '  did you mean "pacemaker"?'],
    ],
    [`${guests}toolstack: xl`, ['lab.yaml:2:12: toolstack: found "xl", expected libvirt or xm', `  ${NOT_XL}`]],
    [
      `${guests}name: seventeen-letters`,
      ['lab.yaml:2:7: name: found "seventeen-letters", expected a text of 1 to 16 of A-Z a-z 0-9 _ -'],
    ],
    [`${guests}name: 42`, ['lab.yaml:2:7: name: found the number 42, expected a text of 1 to 16 of A-Z a-z 0-9 _ -']],
    [
      `${guests}name: "a\\eb"`,
      ['lab.yaml:2:7: name: found "a\\u{1b}b", expected a text of 1 to 16 of A-Z a-z 0-9 _ -'],
    ],
    [
      `${guests}host: ssh://-oProxyCommand=x`,
      [
        'lab.yaml:2:7: host: found "ssh://-oProxyCommand=x", expected local, sandbox, ssh://[user@]host[:port] or simulated:DIR',
      ],
    ],
    [`${guests}annotate: yes`, ['lab.yaml:2:11: annotate: found "yes", expected true or false']],
    [`%YAML 1.1\n---\n${guests}annotate: yes`, ['lab.yaml:4:11: annotate: found "yes", expected true or false']],
    [
      `${guests}image: {path: /guests/../etc/shadow}`,
      [`lab.yaml:2:15: image.path: found "/guests/../etc/shadow", expected ${PATHS}`],
    ],
    [`${guests}image: {path: "/a,b"}`, [`lab.yaml:2:15: image.path: found "/a,b", expected ${PATHS}`]],
    [`${guests}image: {path: /guests/}`, [`lab.yaml:2:15: image.path: found "/guests/", expected ${PATHS}`]],
    [`${guests}fencing: {key: key}`, [`lab.yaml:2:16: fencing.key: found "key", expected ${PATHS}`]],
    [
      `${guests}image: {size: 9M}`,
      [
        'lab.yaml:2:15: image.size: found "9M", expected a size from 1G to 16T',
        '  the document says: “You probably want at least 10GB per machine.”',
      ],
    ],
    [
      `${guests}image: {install: {debain: bookworm}}`,
      [
        'lab.yaml:2:19: image.install: found the unknown key "debain", expected debian, copy, sha256 or virtInstall',
        '  did you mean "debian"?',
      ],
    ],
    [
      `${guests}image: {install: {debian: bokworm}}`,
      ['lab.yaml:2:27: image.install.debian: found "bokworm", expected bookworm', '  did you mean "bookworm"?'],
    ],
    [
      `${guests}image: {install: {}}`,
      ['lab.yaml:2:18: image.install: found none of them, expected exactly one of debian, copy or virtInstall'],
    ],
    [
      `${guests}image: {install: {debian: bookworm, copy: /x}}`,
      ['lab.yaml:2:18: image.install: found debian and copy, expected exactly one of debian, copy or virtInstall'],
    ],
    [
      `${guests}image: {install: {copy: /x}}`,
      [
        'lab.yaml:2:18: image.install: found copy alone, expected a sha256 beside it, which proves that the copy is whole',
      ],
    ],
    [
      `${guests}image: {install: {debian: bookworm, sha256: ${'a'.repeat(64)}}}`,
      ['lab.yaml:2:18: image.install: found sha256 without copy, expected it beside copy only'],
    ],
    [
      `${guests}image: {install: maybe}`,
      [
        'lab.yaml:2:18: image.install: found "maybe", expected none, or a mapping with one of debian, copy or virtInstall',
      ],
    ],
    [
      `${guests}disks: {a: {size: 1023K, device: xvdd}}`,
      ['lab.yaml:2:19: disks.a.size: found "1023K", expected a size from 1M to 16T'],
    ],
    [
      `${guests}disks: {a: {size: 1G, device: xvda}}`,
      [
        'lab.yaml:2:31: disks.a.device: found "xvda", expected a device from xvdb to xvdz (xvda is the guest’s own disk)',
      ],
    ],
    [
      `${guests}network: {subnet: 192.168.77.9/24}`,
      [
        'lab.yaml:2:19: network.subnet: found "192.168.77.9/24", expected an IPv4 subnet such as 192.168.77.0/24, of a prefix from 8 to 30',
        '  did you mean 192.168.77.0/24?',
      ],
    ],
    [
      `${guests}network: {subnet: 127.0.0.0/8}`,
      [
        'lab.yaml:2:19: network.subnet: found "127.0.0.0/8", expected an IPv4 subnet such as 192.168.77.0/24, of a prefix from 8 to 30',
      ],
    ],
    [
      `${guests}network: {mac: 01:16:3e:00:00:00}`,
      [
        'lab.yaml:2:16: network.mac: found "01:16:3e:00:00:00", expected a unicast MAC such as "00:16:3e:00:cf:fd" (the second digit even)',
      ],
    ],
    [
      `${guests}network: {bridge: ../xenbr0}`,
      [
        'lab.yaml:2:19: network.bridge: found "../xenbr0", expected the name of a bridge: letters, digits, . _ and -, from a letter, at most 15',
        '  the document says: “fence_xvmd was designed with Xen Bridged networking in mind.”',
      ],
    ],
    [
      `${guests}fencing: {address: 192.168.1.1}`,
      [
        'lab.yaml:2:20: fencing.address: found "192.168.1.1", expected an IPv4 multicast address (224.0.0.0 to 239.255.255.255)',
      ],
    ],
    [
      `${guests}fencing: {port: 65536}`,
      ['lab.yaml:2:17: fencing.port: found the number 65536, expected a whole number from 1 to 65535'],
    ],
    [
      `${guests}cluster: {token: 999}`,
      ['lab.yaml:2:18: cluster.token: found the number 999, expected a whole number from 1000 to 300000 milliseconds'],
    ],
  ])('%j', (text, message) => expect(complaints(text)).toEqual(message));

  it.each(['0', '-1', '1e99', '10', '512'])('a size of the number %s', (size) => {
    expect(complaints(`guests: {a: {memory: ${size}}}`)).toEqual([
      `lab.yaml:1:22: guests.a.memory: found the number ${size}, expected ${SIZES}`,
    ]);
  });
  it.each(['10GG', '-1G', '1e9G', '1.5G', 'G', ''])('a size of "%s"', (size) => {
    expect(complaints(`guests: {a: {memory: "${size}"}}`)).toEqual([
      `lab.yaml:1:22: guests.a.memory: found "${size}", expected ${SIZES}`,
    ]);
  });
  it.each(['0G', '127M', '2T', '99999999999999999T'])('a memory of %s', (size) => {
    expect(complaints(`guests: {a: {memory: ${size}}}`)).toEqual([
      `lab.yaml:1:22: guests.a.memory: found "${size}", expected a size from 128M to 1T`,
    ]);
  });
  it('a memory that is not whole mebibytes', () => {
    expect(complaints('guests: {a: {memory: 131073K}}')).toEqual([
      'lab.yaml:1:22: guests.a.memory: found "131073K", expected whole mebibytes, such as 512M',
    ]);
  });
  it.each(['192.168.77', '192.168.077.11', '0xc0.1.1.1', '3232255243', '::1', ' 192.168.77.11'])(
    'the address "%s"',
    (address) => {
      expect(complaints(`guests: {a: {address: "${address}"}}`)).toEqual([
        `lab.yaml:1:23: guests.a.address: found "${address}", expected an IPv4 address such as 192.168.77.11`,
      ]);
    },
  );
  it.each(['$(reboot)', '../../etc/passwd', '-rf', 'Molly', 'a_b', 'a-', '1a', '', '🐱', 'a.b', 'a'.repeat(64)])(
    'the guest "%s"',
    (name) => {
      const shown = name.length > 60 ? `${name.slice(0, 60)}…` : name;
      expect(complaints(`guests:\n  "${name}": {}`)).toEqual([
        `lab.yaml:2:3: guests: found the name "${shown}", expected ${NAMES}`,
      ]);
    },
  );
  it('a guest of many lines', () => {
    expect(complaints('guests:\n  "a\\nb": {}')).toEqual([
      `lab.yaml:2:3: guests: found the name "a\\u{a}b", expected ${NAMES}`,
    ]);
  });
  it.each(['dom0', 'Domain-0', 'domain-0', 'local', 'localhost'])('dom0 as a guest: %s', (name) => {
    expect(complaints(`guests: {${name}: }`)).toEqual([
      `lab.yaml:1:10: guests: found the name "${name}", expected a name that is not the dom0’s`,
      NEVER_MIX,
    ]);
  });
  it.each(['Default', 'auto', 'scripts'])('a guest called like a file in /etc/xen: %s', (name) => {
    expect(complaints(`guests: {${name}: }`)[0]).toBe(
      `lab.yaml:1:10: guests: found the name "${name}", expected a name other than default, auto, scripts, which /etc/xen has already`,
    );
  });
});

describe('values that do not go together', () => {
  it.each([
    [
      'guests: {a: {address: 192.168.77.1}}',
      'lab.yaml:1:23: guests.a.address: found 192.168.77.1, which dom0 has already, expected an address of its own',
    ],
    [
      'guests:\n  a: {address: 192.168.77.12}\n  b: {address: 192.168.77.12}',
      'lab.yaml:3:16: guests.b.address: found 192.168.77.12, which a has already, expected an address of its own',
    ],
    ...['192.168.77.0', '192.168.77.255', '192.168.78.1'].map((address) => [
      `guests: {a: {address: ${address}}}`,
      `lab.yaml:1:23: guests.a.address: found "${address}", expected an address for a host of 192.168.77.0/24`,
    ]),
    [
      'guests: {a: , b: }\nnetwork: {subnet: 10.0.0.0/30}',
      'lab.yaml:2:19: network.subnet: found 10.0.0.0/30, which has room for dom0 and 1, expected room for 2 guests',
    ],
    [
      'guests: {a: }\ndisks: {x: {size: 1M, device: xvdb}, y: {size: 1M, device: xvdb}}',
      'lab.yaml:2:60: disks.y.device: found xvdb, which x has already, expected a device of its own',
    ],
    ['guests: {a: }\ndisks:\n  data: {}', 'lab.yaml:3:3: disks.data.size: found nothing, expected a size, such as 10G'],
  ])('%j', (text, message) => expect(complaints(text as string)).toEqual([message]));

  it('MACs that would leave the vendor’s range', () => {
    expect(complaints('guests: {a: , b: }\nnetwork: {mac: "00:16:3e:ff:ff:fe"}')).toEqual([
      'lab.yaml:2:16: network.mac: found "00:16:3e:ff:ff:fe", expected room to count up 2 in its last three bytes',
      '  the document says: “I just increment this one.”',
    ]);
    expect(complaints('guests: {a: }\nnetwork: {mac: "00:16:3e:ff:ff:fe"}')).toEqual([]);
  });
  it('a cluster called like a guest', () => {
    expect(complaints('name: Molly\nguests: {molly: }')).toEqual([
      'lab.yaml:1:7: name: found "Molly", expected a name that no guest has',
      "  the document says: “your cluster name / alias could be anything as long as it doesn't collide with other hosts on the network”",
    ]);
  });
  it.each([
    [
      'guests: {default1: , molly: }\nimage: {path: /guests/molly.img}',
      'guests.molly: found the image of molly at /guests/molly.img and the default image',
    ],
    [
      'guests: {a: }\nimage: {path: /guests/shared.dsk}',
      'disks.shared: found the shared disk shared at /guests/shared.dsk and the default image',
    ],
    [
      'guests: {a: }\nfencing: {key: /etc/xen/a}',
      'fencing.key: found the fencing key at /etc/xen/a and the domain file of a',
    ],
    [
      'guests: {a: }\nfencing: {key: /guests/default.img/key}',
      'fencing.key: found the fencing key at /guests/default.img/key and the default image',
    ],
  ])('two things in one file: %j', (text, message) => {
    expect(complaints(text)).toEqual([
      expect.stringContaining(message),
      '  the document says: “You *MUST* change the uuid, name, disk, and vif lines at a minimum”',
    ]);
  });
  it.each([
    ['toolstack: xm', '2:12: toolstack: found xm with pacemaker', 'domains of libvirt only'],
    ['cluster: {stack: cman}', '2:18: cluster.stack: found libvirt with cman', 'cman lives on Red Hat systems'],
  ])('toolstack and stack of different days: %j', (text, found, why) => {
    expect(complaints(guests + text)).toEqual([
      `lab.yaml:${found}, expected toolstack libvirt with stack pacemaker, or xm with cman`,
      expect.stringContaining(why),
    ]);
  });
  const old = `${guests}toolstack: xm\nimage: {install: none}\n`;
  it.each([
    [`${guests}toolstack: xm\ncluster: {stack: cman}`, 'image.install: found debian with stack cman'],
    [
      `${guests}cluster: {services: {a: {}}}`,
      'lab.yaml:2:11: cluster: found services, expected it with stack cman only',
    ],
    [
      `${old}cluster: {stack: cman}\ndisks: {shared: {size: 100M}}`,
      'disks.shared.size: found "100M", expected at least 150M, for a GFS2 with a journal for each guest',
    ],
    [
      `${old}cluster: {stack: cman}\ndisks: {a-name-that-is-long: {size: 10G}}\nstorage: {disk: a-name-that-is-long}`,
      'disks: found a-name-that-is-long, expected a name of at most 16 characters for a GFS2',
    ],
    [`${guests}storage: {disk: nosuch}`, 'storage.disk: found nosuch, expected one of the disks: quorum, shared'],
    [
      'guests: {a: , b: , c: }\ndisks: {shared: {size: 50M}}',
      'disks.shared.size: found "50M", expected at least 60M, for a GFS2 with a journal for each guest',
    ],
    [`${guests}dom0Cluster: none`, 'lab.yaml:2:1: found dom0Cluster, expected it with stack cman only'],
    [`${old}cluster: {stack: cman}\ndom0Cluster: {name: lolcats}`, 'a name that is not the guests’ cluster’s'],
    [`${old}cluster: {stack: cman}\ndom0Cluster: {node: molly}`, 'expected the dom0, not a guest'],
    ['guests: {a: {nodeId: 2}, b: {}}', 'guests.b.nodeId: found 2, which a has already'],
    [
      'guests: {a: {uuid: 8d1a8210-69de-4c55-8cf8-deb2356fc7b2}, b: {uuid: 8D1A8210-69de-4c55-8cf8-deb2356fc7b2}}',
      'guests.b.uuid: found 8d1a8210-69de-4c55-8cf8-deb2356fc7b2, which a has already',
    ],
  ])('%j', (text, found) => {
    expect(complaints(text)[0]).toContain(found);
  });
});

describe('several complaints', () => {
  it('come all at once, in the order of the file', () => {
    const places = complaints('nme: x\nguests:\n  dom0: {}\n  b: {memory: 1, vcpus: 0}\nannotate: 3').flatMap(
      (line) => /^\S+/.exec(line) ?? [],
    );
    expect(places).toEqual(['lab.yaml:1:1:', 'lab.yaml:3:3:', 'lab.yaml:4:15:', 'lab.yaml:4:25:', 'lab.yaml:5:11:']);
  });
  it('stop at fifty', () => {
    const many = complaints(`${guests}${Array.from({ length: 60 }, (_, n) => `x${n}: 1\n`).join('')}`);
    expect(many).toHaveLength(51);
    expect(many.at(-1)).toBe('lab.yaml: and 10 more');
  });
});

it('columns count from 1 after a byte order mark and CRLF', () => {
  expect(complaints('\uFEFFguests: {a: }\r\nannotate: 3\r\n')).toEqual([
    'lab.yaml:2:11: annotate: found the number 3, expected true or false',
  ]);
  expect(complaints('\uFEFFnom: 1\r\nguests: {a: }')[0]).toMatch(/^lab\.yaml:1:1: /);
});
