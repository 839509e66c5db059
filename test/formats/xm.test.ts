import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readXmList, readXmLong } from '../../src/formats/xm.ts';

const states = (stdout: string) => Object.fromEntries(readXmList(stdout));

describe('xm list', () => {
  test('of the day of the document', () => {
    const stdout = `Name                                      ID Mem(MiB) VCPUs State   Time(s)
Domain-0                                   0     1500     2 r-----   1234.5
frederick                                  1      255     1 -b----     12.3
molly                                      2      255     1 ------      0.0
a-name-that-is-longer-than-its-column-of-40 13      255     1 --p---      9.9
`;
    expect(states(stdout)).toEqual({
      'Domain-0': 'running',
      frederick: 'blocked',
      molly: 'running',
      'a-name-that-is-longer-than-its-column-of-40': 'paused',
    });
  });

  test('whatever the spacing of its header', () => {
    const stdout = `Warning: something\r\nName ID  Mem VCPUs      State   Time(s)  Label\r\nmolly\t3 256 1 -b---- 1.0 INACTIVE\r\n`;
    expect(states(stdout)).toEqual({ molly: 'blocked' });
  });

  test.each([
    ['---s--', 'shutdown'],
    ['----c-', 'crashed'],
    ['---sc-', 'crashed'],
    ['-----d', 'dying'],
    ['---s-d', 'dying'],
    ['-bp---', 'paused'],
    ['rb----', 'blocked'],
  ])('%s is %s', (letters, state) => {
    expect(states(`Name ID Mem(MiB) VCPUs State Time(s)\nmolly 3 256 1 ${letters} 1.0`)).toEqual({ molly: state });
  });

  test('has no domain that is off, though xend may keep its configuration', () => {
    const stdout = `Name                                      ID   Mem VCPUs      State   Time(s)
Domain-0                                   0  1500     2     r-----   1234.5
off                                             256     1                  0.0
off-too                                         256     1     ------       0.0
`;
    expect(states(stdout)).toEqual({ 'Domain-0': 'running' });
  });

  test('is empty if it is something else', () => {
    expect(states('')).toEqual({});
    expect(states('Error: Unable to connect to xend: Connection refused.')).toEqual({});
    expect(states('molly 3 256 1 -b---- 1.0')).toEqual({});
  });
});

const long = `(domain
    (domid 0)
    (on_crash restart)
    (uuid 00000000-0000-0000-0000-000000000000)
    (name Domain-0)
    (image (linux (kernel ) (notes (GUEST_OS linux))))
)
(domain
    (domid 1)
    (uuid 8d1a8210-69de-4c55-8cf8-deb2356fc7b2)
    (name molly)
    (bootloader_args "-q 'x) y'")
    (device
        (vif
            (bridge xenbr0)
            (mac 00:16:3e:00:cf:fe)
            (script vif-bridge)
        )
    )
    (device (tap (uname tap:aio:/guests/molly.img) (dev xvda:disk) (mode w)))
    (device (vif (mac 00:16:3E:00:CF:FF)))
)
`;

describe('xm list --long', () => {
  test('of dom0 and a guest', () => {
    expect(readXmLong(long)).toEqual([
      { name: 'Domain-0', id: 0, uuid: '00000000-0000-0000-0000-000000000000', macs: [] },
      {
        name: 'molly',
        id: 1,
        uuid: '8d1a8210-69de-4c55-8cf8-deb2356fc7b2',
        macs: ['00:16:3e:00:cf:fe', '00:16:3E:00:CF:FF'],
      },
    ]);
  });

  test('of a domain that is off, or has a strange name', () => {
    expect(readXmLong("(domain (name 'it\\'s \"off\"') (domid ))(domain(name b)(domid -1)(device))")).toEqual([
      { name: `it's "off"`, macs: [] },
      { name: 'b', macs: [] },
    ]);
  });

  test.each([
    '',
    'Error: no',
    '(domain (domid 1))',
    '(domain (name (a)))',
    '(node (name a))',
    '(domain (name a)',
    ')) (',
    "(domain '",
  ])('%j has none', (text) => expect(readXmLong(text)).toEqual([]));

  test('is read as far as it is whole', () => {
    expect(readXmLong(`) ${long.slice(0, -3)}`).map(({ name }) => name)).toEqual(['Domain-0']);
  });

  test('nests as deep as it likes', () => {
    const deep = `${'('.repeat(1e6)}${')'.repeat(1e6)}`;
    expect(readXmLong(`(domain (name a) ${deep})`)).toEqual([{ name: 'a', macs: [] }]);
  });
});

test('nothing is thrown for any text', () => {
  const any = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('(', ')', 'domain', 'name', 'device', 'vif', 'mac', ' ', "'", '"', '\\', '\n') }),
  );
  fc.assert(
    fc.property(any, (text) => {
      for (const { name } of readXmLong(`${text}${long}`)) expect(typeof name).toBe('string');
      readXmList(`Name ID Mem VCPUs State Time(s)\n${text}`);
    }),
    { numRuns: 500 },
  );
});
