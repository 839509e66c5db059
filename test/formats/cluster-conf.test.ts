import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  brokenClusterConf,
  type ClusterConfInput,
  clusterConf,
  readClusterConf,
  sameClusterConf,
  versionFor,
} from '../../src/formats/cluster-conf.ts';
import { BadInput, showPlace } from '../../src/model/errors.ts';

const londesktop: ClusterConfInput = {
  name: 'londesktop',
  version: 1,
  nodes: [{ name: 'ayanami', id: 1 }],
  fenceXvmd: true,
};
const lolcats: ClusterConfInput = {
  name: 'lolcats',
  version: 41,
  nodes: [
    { name: 'molly', id: 2 },
    { name: 'frederick', id: 1, votes: 1 },
  ],
  token: 21000,
  twoNode: true,
  fencing: 'fence_xvm',
  services: [{ name: 'test', autostart: false }],
};

/** The two texts of the document, as facts/cluster-conf.md has them in full. */
const dom0Text = `<?xml version="1.0"?>
<cluster name="londesktop" config_version="1">
  <clusternodes><clusternode name="ayanami" nodeid="1" votes="1"/></clusternodes>
  <fence_xvmd/>
</cluster>
`;
const guestsText = `<?xml version="1.0"?>
<cluster name="lolcats" config_version="41">
  <cman expected_votes="1" two_node="1"/>
  <totem token="21000"/>
  <clusternodes>
    <clusternode name="frederick" nodeid="1" votes="1">
      <fence><method name="1"><device domain="frederick" name="xvm"/></method></fence>
    </clusternode>
    <clusternode name="molly" nodeid="2" votes="1">
      <fence><method name="1"><device domain="molly" name="xvm"/></method></fence>
    </clusternode>
  </clusternodes>
  <fencedevices><fencedevice agent="fence_xvm" name="xvm"/></fencedevices>
  <rm><failoverdomains/><resources/><service name="test" autostart="0"/></rm>
</cluster>
`;

describe('writing', () => {
  test("dom0's cluster of one", () => expect(clusterConf(londesktop)).toBe(dom0Text));
  test("the guests' cluster", () => expect(clusterConf(lolcats)).toBe(guestsText));

  test('a comment behind the declaration', () => {
    const text = clusterConf({ ...londesktop, comment: 'Written by lab for lolcats; -' });
    expect(text).toBe(dom0Text.replace('?>\n', '?>\n<!-- Written by lab for lolcats; - -->\n'));
    expect(() => clusterConf({ ...londesktop, comment: 'a -- b' })).toThrow(BadInput);
    expect(() => clusterConf({ ...londesktop, comment: 'a\u0001' })).toThrow(BadInput);
  });

  test('a quorum disk as tie-breaker', () => {
    const { twoNode: _, ...rest } = lolcats;
    const text = clusterConf({ ...rest, quorumd: { label: 'quorum', votes: 1, interval: 1, tko: 10 } });
    expect(text).toContain('  <cman expected_votes="3" two_node="0"/>\n  <totem token="21000"/>\n');
    expect(text).toContain('  <quorumd interval="1" tko="10" votes="1" label="quorum"/>\n');
    const other = clusterConf({ ...rest, expectedVotes: 5 });
    expect(other).toContain('<cman expected_votes="5"/>');
  });

  test('long lists over several lines', () => {
    const services = ['a', 'b', 'c'].map((name) => ({ name: name.repeat(9), autostart: true }));
    expect(clusterConf({ ...lolcats, services })).toContain(`
  <rm>
    <failoverdomains/>
    <resources/>
    <service name="aaaaaaaaa" autostart="1"/>
    <service name="bbbbbbbbb" autostart="1"/>
    <service name="ccccccccc" autostart="1"/>
  </rm>
`);
    expect(clusterConf({ ...lolcats, services: [] })).toContain('\n  <rm><failoverdomains/><resources/></rm>\n');
  });

  test('escapes what it must', () => {
    const text = clusterConf({ ...londesktop, name: `a<&>"'b` });
    expect(readClusterConf(text, 'f').name).toBe(`a<&>"'b`);
  });

  test.each<Partial<ClusterConfInput>>([
    { name: '' },
    { name: 'a\nb' },
    { name: 'seventeen-letters' },
    { version: 0 },
    { version: 1.5 },
    { version: Number.NaN },
    { nodes: [] },
    {
      nodes: [
        { name: 'a', id: 1 },
        { name: 'a', id: 2 },
      ],
    },
    { nodes: [{ name: '\uD800', id: 1 }] },
    { twoNode: true },
    { token: -1 },
  ])('refuses %j', (change) => {
    expect(() => clusterConf({ ...londesktop, ...change })).toThrow(BadInput);
  });
});

describe('what is wrong with a cluster.conf', () => {
  const broken = (text: string) =>
    brokenClusterConf(text, 'f').map(({ place, message }) => `${showPlace(place)}: ${message}`);

  test('nothing with those of the document', () => {
    expect(broken(dom0Text)).toEqual([]);
    expect(broken(guestsText)).toEqual([]);
    expect(broken(`\uFEFF${guestsText.replaceAll('\n', '\r\n')}`)).toEqual([]);
  });

  test.each([
    ['<cluster name="lolcats"', '<cluster', ['f:2:1: the cluster has no name']],
    ['name="lolcats"', 'name="sixteen-letters!"', []],
    ['name="lolcats"', 'name="seventeen-letters"', ['f:2:1: the name "seventeen-letters" is too long']],
    ['name="lolcats"', 'name="äöüäöüäöü"', ['f:2:1: the name "äöüäöüäöü" is too long']],
    ['config_version="41"', '', ['f:2:1: config_version is nothing']],
    ['config_version="41"', 'config_version="0"', ['f:2:1: config_version is "0"']],
    ['config_version="41"', 'config_version="4.1"', ['f:2:1: config_version is "4.1"']],
    ['config_version="41"', 'config_version="2147483648"', ['f:2:1: config_version is "2147483648"']],
    ['name="molly" nodeid="2"', 'name="molly" nodeid="1"', ['f:9:5: a second node has the nodeid 1']],
    ['name="molly" nodeid="2"', 'name="molly" nodeid="01"', ['f:9:5: a second node has the nodeid 1']],
    ['name="molly" nodeid="2"', 'name="molly"', ['f:9:5: nodeid is nothing']],
    ['clusternode name="molly"', 'clusternode name="frederick"', ['f:9:5: a second clusternode "frederick"']],
    ['clusternode name="molly"', 'clusternode name=""', ['f:9:5: a clusternode without a name']],
    ['domain="molly" name="xvm"', 'domain="molly" name="x"', ['f:10:31: the device "x" names no fencedevice']],
    ['domain="molly" name="xvm"', 'domain="molly"', ['f:10:31: the device nothing names no fencedevice']],
    ['expected_votes="1" ', '', ['f:3:3: two_node="1" with expected_votes nothing']],
    ['expected_votes="1"', 'expected_votes="2"', ['f:3:3: two_node="1" with expected_votes "2"']],
    [
      '</clusternodes>',
      '<clusternode name="c" nodeid="3"/></clusternodes>',
      ['f:3:3: two_node="1" with 3 clusternodes'],
    ],
    ['<totem', '<quorumd/><totem', ['f:3:3: two_node="1" together with a quorum disk']],
    [
      'fencedevices',
      'fencing',
      ['f:7:31: the device "xvm" names no fencedevice', 'f:10:31: the device "xvm" names no fencedevice'],
    ],
  ])('%j turned into %j', (from, to, complaints) => {
    expect(guestsText).toContain(from);
    expect(broken(guestsText.replaceAll(from, to))).toEqual(complaints);
  });

  test.each([
    ['', ['f:1:1: not well-formed XML: Root element is missing or invalid']],
    ['cluster', ['f:1:1: not well-formed XML: Root element is missing or invalid']],
    ['<cluster>\n  <a></cluster>', ['f:2:6: not well-formed XML: Missing end tag for element a']],
    ['<cluster name=a/>', ['f:1:15: not well-formed XML: Attribute value expected']],
    ['<cluster name="&a;"/>', ["f:1:16: not well-formed XML: Named entity isn't defined: &a;"]],
    ['\n<cib/>', ['f:2:1: <cluster> was expected, not <cib>']],
    [
      '<cluster/>',
      ['f:1:1: the cluster has no name', 'f:1:1: config_version is nothing', 'f:1:1: there is no clusternode'],
    ],
  ])('%j', (text, complaints) => expect(broken(text)).toEqual(complaints));

  describe('the token and the quorum disk', () => {
    const timed = (totem: string, quorumd: string) => {
      const text = guestsText
        .replace('expected_votes="1" two_node="1"', 'expected_votes="3" two_node="0"')
        .replace('<totem token="21000"/>', `${totem}<quorumd label="q" ${quorumd}/>`);
      return brokenClusterConf(text, 'f');
    };
    test.each([
      ['<totem token="21000"/>', 'interval="1" tko="10"'],
      ['<totem token="17001"/>', 'interval="1" tko="10"'],
      ['<totem token="16001"/>', 'interval="1" tko="10" master_wait="4"'],
      // qdisk(5): "the token timeout should be at least 24 seconds".
      ['<totem token="24000"/>', 'interval="2" tko="7" tko_up="1" master_wait="2" upgrade_wait="1"'],
      // Without times of its own qdiskd takes them from the token.
      ['', ''],
    ])('%s %s', (totem, quorumd) => expect(timed(totem, quorumd)).toEqual([]));

    test.each([
      ['<totem token="17000"/>', 'interval="1" tko="10"', '17000 ms', '(10 + 5 + 2)', '21000'],
      ['<totem/>', 'interval="1" tko="10"', '10000 ms', '(10 + 5 + 2)', '21000'],
      ['', 'tko="10"', '10000 ms', '1 s × (10 + 5 + 2)', '21000'],
      ['<totem token="20000"/>', 'interval="2"', '20000 ms', '2 s × (10 + 5 + 2)', '42000'],
      ['<totem token="5000"/>', 'interval="1" tko="1"', '5000 ms', '(3 + 3 + 2)', '9000'],
    ])('%s %s', (totem, quorumd, token, cycles, better) => {
      const [complaint, ...others] = timed(totem, quorumd);
      expect(others).toEqual([]);
      expect(complaint?.place).toMatchObject({ line: 4 });
      expect(complaint?.message).toContain(token);
      expect(complaint?.message).toContain(cycles);
      expect(complaint?.hint).toContain(`<totem token="${better}"/>`);
    });
  });
});

describe('reading', () => {
  test('name, version and nodes', () => {
    expect(readClusterConf(guestsText, 'f')).toEqual({
      name: 'lolcats',
      version: 41,
      nodes: [
        { name: 'frederick', id: 1 },
        { name: 'molly', id: 2 },
      ],
    });
    expect(readClusterConf('<cluster name="a" config_version=" 7 "/>', 'f').nodes).toEqual([]);
  });

  test('tells all that is missing', () => {
    const text = '<cluster config_version="x">\n<clusternodes><clusternode nodeid="0"/></clusternodes></cluster>';
    expect(() => readClusterConf(text, 'f')).toThrow(
      'f:1:1: <cluster>: name is nothing\nf:1:1: <cluster>: config_version is "x"\n' +
        'f:2:15: <clusternode>: name is nothing\nf:2:15: <clusternode>: nodeid is "0"',
    );
    expect(() => readClusterConf('<cib/>', 'f')).toThrow(BadInput);
  });
});

describe('the same content', () => {
  test.each([
    ['config_version="41"', 'config_version="7"'],
    ['name="lolcats" config_version="41"', 'config_version="41" name="lolcats"'],
    ['\n  <totem', '\n\n<!-- x --> <totem'],
    ['<fence><method', '<fence>\n<method'],
    ['<totem token="21000"/>', '<totem token="21000"></totem>'],
    ['name="molly"', "name='moll&#121;'"],
  ])('%j and %j', (from, to) => {
    expect(guestsText).toContain(from);
    expect(sameClusterConf(guestsText, guestsText.replace(from, to))).toBe(true);
  });

  test.each([
    ['token="21000"', 'token="21001"'],
    ['  <totem token="21000"/>\n', ''],
    ['</cluster>', '<clvmd/></cluster>'],
    ['<resources/>', '<resources>x</resources>'],
    ['name="lolcats"', 'name="lolcats" alias="lolcats"'],
    ['<failoverdomains/><resources/>', '<failoverdomains><resources/></failoverdomains>'],
    ['</cluster>', ''],
  ])('not %j and %j', (from, to) => {
    expect(guestsText).toContain(from);
    expect(sameClusterConf(guestsText, guestsText.replace(from, to))).toBe(false);
  });

  test('not of two that cannot be read', () => expect(sameClusterConf('', '')).toBe(false));
});

describe('the version to write', () => {
  const { version: _, ...wanted } = lolcats;
  const at = (version: number, change: Partial<ClusterConfInput> = {}) =>
    clusterConf({ ...lolcats, ...change, version });
  const other = { token: 30000 };
  test.each<[string, (string | undefined)[], number]>([
    ['none found', [undefined, undefined], 41],
    ['none that can be read', ['', '<cluster/>', '<cluster name="a" config_version="0"/>'], 41],
    ['the same on all', [at(43), at(43)], 43],
    ['one is missing', [at(43), undefined], 43],
    ['below the first', [at(5)], 5],
    ['one is older', [at(42, other), at(43)], 43],
    ['the newest is another', [at(43), at(44, other)], 45],
    ['the newest is there in both contents', [at(44), at(44, other)], 44],
    ['another', [at(60, other), undefined], 61],
    ['another, below the first', [at(7, other)], 41],
  ])('%s', (_name, found, version) => expect(versionFor(wanted, found, 41)).toBe(version));

  test('never falls, and is kept once it is everywhere', () => {
    const some = fc.record({ token: fc.integer({ min: 1000, max: 1002 }), version: fc.integer({ min: 1, max: 50 }) });
    fc.assert(
      fc.property(fc.array(some, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 60 }), (found, first) => {
        const texts = found.map(({ token, version }) => at(version, { token }));
        const input = { ...wanted, token: 1000 };
        const version = versionFor(input, texts, first);
        expect(version).toBeGreaterThanOrEqual(Math.max(...found.map((one) => one.version)));
        const text = clusterConf({ ...input, version });
        expect(versionFor(input, [text, text], first)).toBe(version);
        // Nobody ever has another content under that number than we are about to write, unless it is there twice already.
        const rivals = found.filter((one) => one.version === version && one.token !== 1000);
        if (rivals.length > 0) expect(found).toContainEqual({ token: 1000, version });
      }),
    );
  });
});

test('nothing but BadInput is thrown for any text', () => {
  const cut = fc
    .tuple(
      fc.constantFrom(dom0Text, guestsText),
      fc.nat(),
      fc.nat({ max: 9 }),
      fc.string({ unit: fc.constantFrom(...'<>/="& a1-!?[]\n\0') }),
    )
    .map(([text, at, length, put]) => {
      const start = at % (text.length + 1);
      return text.slice(0, start) + put + text.slice(start + length);
    });
  const any = fc.oneof(
    cut,
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'<cluster/>="&; ![]-?\n') }),
  );
  fc.assert(
    fc.property(any, (text) => {
      const complaints = brokenClusterConf(text, 'f');
      sameClusterConf(text, guestsText);
      try {
        readClusterConf(text, 'f');
      } catch (error) {
        expect(error).toBeInstanceOf(BadInput);
        expect(complaints).not.toEqual([]);
      }
    }),
    { numRuns: 500 },
  );
});

test('a file of thousands of levels, which libxml2 refuses too, is not read', () => {
  const deep = `<cluster name="a" config_version="1">${'<a>'.repeat(9000)}${'</a>'.repeat(9000)}</cluster>`;
  expect(sameClusterConf(deep, deep)).toBe(false);
  expect(brokenClusterConf(deep, 'f').map(({ message }) => message)).toEqual([
    'not well-formed XML: too many elements, one within another',
  ]);
});
