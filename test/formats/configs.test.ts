import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { corosyncConf, readCorosyncConf } from '../../src/formats/corosync-conf.ts';
import { fenceVirtConf, readFenceVirtConf } from '../../src/formats/fence-virt-conf.ts';
import { sectionAt } from '../../src/formats/section.ts';
import { BadInput } from '../../src/model/errors.ts';

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
