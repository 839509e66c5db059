import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { corosyncConf, readCorosyncConf } from '../../src/formats/corosync-conf.ts';
import { fenceVirtConf, readFenceVirtConf } from '../../src/formats/fence-virt-conf.ts';
import { sectionAt } from '../../src/formats/section.ts';
import { BadInput } from '../../src/model/errors.ts';
import { declinedMkqdisk, readQuorumDisks } from '../../src/formats/mkqdisk.ts';
import { readSbdHeader, readSbdSlots, sbdDefaults, sbdTimes } from '../../src/formats/sbd.ts';

const nodes = [
  { name: 'frederick', nodeId: 1, address: '192.168.200.11' },
  { name: 'molly', nodeId: 2, address: '192.168.200.12' },
  { name: 'third', nodeId: 3, address: 'fd00::3' },
];
const lolcats = { name: 'lolcats', token: 21000, nodes: nodes.slice(0, 2) };

describe('corosync.conf', () => {
  const expected = `totem {
    version: 2
    cluster_name: lolcats
    transport: knet
    crypto_cipher: aes256
    crypto_hash: sha256
    token: 21000
    interface {
        linknumber: 0
        knet_ping_interval: 1000
    }
}
nodelist {
    node {
        ring0_addr: 192.168.200.11
        name: frederick
        nodeid: 1
    }
    node {
        ring0_addr: 192.168.200.12
        name: molly
        nodeid: 2
    }
}
quorum {
    provider: corosync_votequorum
    two_node: 1
}
logging {
    to_syslog: yes
    timestamp: on
}
`;

  test('of two nodes', () => expect(corosyncConf(lolcats)).toBe(expected));

  test('has two_node for exactly two nodes, unless it is not wanted', () => {
    const without = expected.replace('    two_node: 1\n', '');
    expect(corosyncConf({ ...lolcats, twoNode: false })).toBe(without);
    expect(corosyncConf({ ...lolcats, nodes, twoNode: true })).not.toContain('two_node');
    expect(corosyncConf({ ...lolcats, nodes: nodes.slice(0, 1), twoNode: true })).not.toContain('two_node');
  });

  test('a short token has shorter pings: two of them make a link', () => {
    expect(corosyncConf({ ...lolcats, token: 3000 })).toContain('knet_ping_interval: 750\n');
  });

  test('takes no word that breaks out of its line', () => {
    expect(() => corosyncConf({ ...lolcats, name: 'a\ntwo_node: 1' })).toThrow(BadInput);
    expect(() => corosyncConf({ ...lolcats, nodes: [{ name: '', nodeId: 1, address: 'x' }] })).toThrow(BadInput);
  });

  test('is read back', () => {
    const conf = readCorosyncConf(corosyncConf({ ...lolcats, nodes }));
    expect(Object.fromEntries(sectionAt(conf, 'totem')?.values ?? [])).toMatchObject({
      cluster_name: 'lolcats',
      token: '21000',
    });
    const found = sectionAt(conf, 'nodelist')
      ?.sections.get('node')
      ?.map(({ values }) => Object.fromEntries(values));
    expect(found?.[2]).toEqual({ ring0_addr: 'fd00::3', name: 'third', nodeid: '3' });
    expect(found).toHaveLength(3);
  });

  test('is read whatever it looks like', () => {
    const conf = readCorosyncConf('# a {\r\n}\ntotem {\r\n\ttoken :  5 # x\r\n  interface {\n junk\n__proto__: 1');
    expect(sectionAt(conf, 'totem')?.values.get('token')).toBe('5 # x');
    expect(sectionAt(conf, 'totem', 'interface')?.values.get('__proto__')).toBe('1');
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'a:{}\n #') }), (text) => void readCorosyncConf(text)));
  });
});

describe('fence_virt.conf', () => {
  const conf = {
    key: '/etc/cluster/fence_xvm.key',
    address: '225.0.0.12',
    port: 1229,
    bridge: 'xenbr0',
    uri: 'xen:///system',
  };

  test('for multicast on the bridge', () => {
    expect(fenceVirtConf(conf)).toBe(`fence_virtd {
    listener = "multicast";
    backend = "libvirt";
}

listeners {
    multicast {
        key_file = "/etc/cluster/fence_xvm.key";
        address = "225.0.0.12";
        family = "ipv4";
        port = "1229";
        interface = "xenbr0";
    }
}

backends {
    libvirt {
        uri = "xen:///system";
    }
}
`);
    expect(fenceVirtConf({ ...conf, address: 'ff05::3:1' })).toContain('family = "ipv6";');
  });

  test('cannot hold quotes or line breaks', () => {
    expect(() => fenceVirtConf({ ...conf, key: '/a"b' })).toThrow(BadInput);
    expect(() => fenceVirtConf({ ...conf, uri: 'a\nb' })).toThrow(BadInput);
  });

  test('is read back', () => {
    const read = readFenceVirtConf(fenceVirtConf(conf), 'f');
    expect([...read.sections.keys()]).toEqual(['fence_virtd', 'listeners', 'backends']);
    expect(sectionAt(read, 'listeners', 'multicast')?.values.get('key_file')).toBe('/etc/cluster/fence_xvm.key');
    expect(sectionAt(read, 'backends', 'libvirt')?.values.get('uri')).toBe('xen:///system');
  });

  test('of Debian, and with labels and comments, is read', () => {
    const read = readFenceVirtConf(
      '# head\nlisteners {\n\tmulticast {\n\t\tkey_file="/etc/fence_virt.key";#x\n\t\tinterface = "virbr0" ;\n\t}\n}\ngroups { group="a # b" { ip="1"; } }\n# end',
      'f',
    );
    expect(Object.fromEntries(sectionAt(read, 'listeners', 'multicast')?.values ?? [])).toEqual({
      key_file: '/etc/fence_virt.key',
      interface: 'virbr0',
    });
    expect(sectionAt(read, 'groups')?.values.get('group')).toBe('a # b');
    expect(sectionAt(read, 'groups', 'group')?.values.get('ip')).toBe('1');
  });

  test.each([
    ['a = 5;', '1:5: a value in quotes was expected, not "5;"'],
    ['a = "b"', '1:8: `;` was expected, not ""'],
    ['a {\n  b = "c";\n', '3:1: `}` was expected, not ""'],
    ['}', '1:2: a section that this closes was expected, not ""'],
    ['a ;', '1:3: `=` or `{` was expected, not ";"'],
    ['a {\n "x"', '2:2: a name was expected, not "\\"x\\""'],
  ])('%j is refused', (text, message) => {
    expect(() => readFenceVirtConf(text, 'f')).toThrow(`f:${message}`);
  });

  test('nothing but BadInput is thrown for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab={};"# \n') }), (text) => {
        try {
          readFenceVirtConf(text, 'f');
        } catch (error) {
          expect(error).toBeInstanceOf(BadInput);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('mkqdisk', () => {
  // Of cman 3.0.12: several names of one device.
  const listed = `mkqdisk v3.0.12.1

/dev/block/252:48:
/dev/disk/by-path/pci-0000:00:0c.0-virtio-pci-virtio7:
/dev/vdd:
\tMagic:                eb7a62c2
\tLabel:                rhel64 rhcs-qdisk
\tCreated:              Fri Apr  1 15:21:06 2022
\tHost:                 rhel64-node01
\tKernel Sector Size:   512
\tRecorded Sector Size: 512

/dev/xvdb:
\tMagic:                eb7a62c2
\tLabel:                lolcats
`;
  test('lists labels by device', () => {
    const labels = readQuorumDisks(listed);
    expect([...labels.keys()]).toEqual([
      '/dev/block/252:48',
      '/dev/disk/by-path/pci-0000:00:0c.0-virtio-pci-virtio7',
      '/dev/vdd',
      '/dev/xvdb',
    ]);
    expect([labels.get('/dev/vdd'), labels.get('/dev/xvdb')]).toEqual(['rhel64 rhcs-qdisk', 'lolcats']);
    expect(readQuorumDisks('mkqdisk v0.6.0\n\n').size).toBe(0);
  });

  test('declines with exit code 0', () => {
    const asked = 'WARNING: About to destroy all data on /dev/xvdb; proceed [N/y] ? ';
    expect(declinedMkqdisk({ stdout: `${asked}Good thinking.\n` })).toContain('not answered with y');
    expect(declinedMkqdisk({ stdout: `${asked}Initializing status block for node 1...\n` })).toBeUndefined();
  });
});

describe('sbd', () => {
  // Of sbd 1.5.2, on a loop device.
  const dump = `==Dumping header on disk /dev/loop0
Header version     : 2.1
UUID               : ad166f89-2414-4e78-834f-511ad8883b04
Number of slots    : 255
Sector size        : 512
Timeout (watchdog) : 21
Timeout (allocate) : 2
Timeout (loop)     : 1
Timeout (msgwait)  : 42
==Header on disk /dev/loop0 is dumped
`;
  test('header and slots', () => {
    expect(readSbdHeader(dump)).toEqual({ watchdog: 21, msgwait: 42 });
    expect(readSbdHeader('==Dumping header on disk /dev/loop0\n')).toBeUndefined();
    expect(readSbdSlots('0\tmolly\tclear\t\n1\tfrederick\treset\tmolly\n')).toEqual(['molly', 'frederick']);
    expect(readSbdSlots('')).toEqual([]);
  });

  test.each([
    [21_000, 21],
    [21_001, 22],
    [1000, 5],
    [300_000, 300],
  ])('a token of %i ms: the watchdog is not quicker, and the message waits twice as long', (token, watchdog) =>
    expect(sbdTimes(token)).toEqual({ watchdog, msgwait: 2 * watchdog }),
  );

  test('is told its disk and its watchdog', () => {
    const lines = sbdDefaults('/dev/xvdb', sbdTimes(21_000)).split('\n');
    for (const line of ['SBD_DEVICE="/dev/xvdb"', 'SBD_WATCHDOG_DEV=/dev/watchdog', 'SBD_WATCHDOG_TIMEOUT=21'])
      expect(lines).toContain(line);
    expect(lines.filter((line) => line !== '' && !/^(#.*|SBD_[A-Z_]+=\S*)$/.test(line))).toEqual([]);
  });
});
