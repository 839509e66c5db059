import { describe, expect, it } from 'vitest';
import { declinedMkqdisk, readQuorumDisks } from '../../src/formats/mkqdisk.ts';
import { readSbdHeader, readSbdSlots, sbdDefaults, sbdTimes } from '../../src/formats/sbd.ts';

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
  it('lists labels by device', () => {
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

  it('declines with exit code 0', () => {
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
  it('header and slots', () => {
    expect(readSbdHeader(dump)).toEqual({ watchdog: 21, msgwait: 42 });
    expect(readSbdHeader('==Dumping header on disk /dev/loop0\n')).toBeUndefined();
    expect(readSbdSlots('0\tmolly\tclear\t\n1\tfrederick\treset\tmolly\n')).toEqual(['molly', 'frederick']);
    expect(readSbdSlots('')).toEqual([]);
  });

  it.each([
    [21_000, 21],
    [21_001, 22],
    [1000, 5],
    [300_000, 300],
  ])('a token of %i ms: the watchdog is not quicker, and the message waits twice as long', (token, watchdog) =>
    expect(sbdTimes(token)).toEqual({ watchdog, msgwait: 2 * watchdog }),
  );

  it('is told its disk and its watchdog', () => {
    const lines = sbdDefaults('/dev/xvdb', sbdTimes(21_000)).split('\n');
    for (const line of ['SBD_DEVICE="/dev/xvdb"', 'SBD_WATCHDOG_DEV=/dev/watchdog', 'SBD_WATCHDOG_TIMEOUT=21'])
      expect(lines).toContain(line);
    expect(lines.filter((line) => line !== '' && !/^(#.*|SBD_[A-Z_]+=\S*)$/.test(line))).toEqual([]);
  });
});
