import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DiskSpec, readDisk, xlDisk, xmDisk } from '../../src/formats/disk-spec.ts';
import { nthMac } from '../../src/formats/mac.ts';
import { readVif, writeVif } from '../../src/formats/vif-spec.ts';
import { BadInput } from '../../src/model/errors.ts';

const place = { file: '/etc/xen/molly', line: 3 };
const raw = { format: 'raw', shared: false, cdrom: false };

describe('a disk', () => {
  test.each<[string, DiskSpec]>([
    ['tap:aio:/guests/molly.img,xvda,w', { ...raw, target: '/guests/molly.img', vdev: 'xvda', access: 'w' }],
    [
      'tap:aio:/guests/quorum.dsk,xvdb,w!',
      { ...raw, target: '/guests/quorum.dsk', vdev: 'xvdb', access: 'w', shared: true },
    ],
    ['phy:/dev/vg/lv,xvda,w', { ...raw, target: '/dev/vg/lv', vdev: 'xvda', access: 'w', backendtype: 'phy' }],
    ['file:/guests/a b.img,hda,r', { ...raw, target: '/guests/a b.img', vdev: 'hda', access: 'r' }],
    [
      'tap:qcow2:/guests/a.qcow2,xvda,w',
      { ...raw, target: '/guests/a.qcow2', format: 'qcow2', vdev: 'xvda', access: 'w' },
    ],
    ['tap2:tapdisk:aio:/a,xvda,w,0', { ...raw, target: '/a', vdev: 'xvda', access: 'w' }],
    ['file:/root/boot.iso,hdc:cdrom,r', { ...raw, target: '/root/boot.iso', vdev: 'hdc', access: 'r', cdrom: true }],
    [',hdc:cdrom,r', { ...raw, target: '', vdev: 'hdc', access: 'r', cdrom: true }],
    ['/dev/vg/lv,raw,xvda,rw', { ...raw, target: '/dev/vg/lv', vdev: 'xvda', access: 'w' }],
    ['/guests/a.img,,xvda', { ...raw, target: '/guests/a.img', vdev: 'xvda', access: 'w' }],
    ['/a.qcow2, qcow2, hdb, ro', { ...raw, target: '/a.qcow2', format: 'qcow2', vdev: 'hdb', access: 'r' }],
    ['/a,raw,hda,rw,backendtype=phy', { ...raw, target: '/a', vdev: 'hda', access: 'w', backendtype: 'phy' }],
    ['/a.iso,raw,hdc,ro,devtype=cdrom', { ...raw, target: '/a.iso', vdev: 'hdc', access: 'r', cdrom: true }],
    ['vdev=xvdc,access=rw,target=/a,b=c.img', { ...raw, target: '/a,b=c.img', vdev: 'xvdc', access: 'w' }],
    [
      'format=raw,vdev=xvdc,access=rw,backendtype=qdisk,target=/guests/shared.dsk',
      { ...raw, target: '/guests/shared.dsk', vdev: 'xvdc', access: 'w', backendtype: 'qdisk' },
    ],
  ])('%s', (text, spec) => expect(readDisk(text, place)).toEqual(spec));

  test.each([
    ['/guests/a.img', 'the device is missing'],
    ['', 'the device is missing'],
    ['tap:aio:/a,xvda,x', 'access `x` is none of r, w, w!'],
    ['/a,raw,xvda,constructor', 'access `constructor` is none of r, w, w!'],
    ['/a,raw,xvda,w,more', 'too many fields'],
    ['vdev=xvda,script=block-drbd,target=r0', '`script=` is not understood in a disk'],
  ])('%j is refused', (text, message) => {
    expect(() => readDisk(text, place)).toThrow(`/etc/xen/molly:3: disk \`${text}\`: ${message}`);
  });

  test('is written as the document and as xl want it', () => {
    const disk = { target: '/guests/shared.dsk', vdev: 'xvdc', shared: true };
    expect(xlDisk(disk)).toBe('format=raw,vdev=xvdc,access=rw,backendtype=qdisk,target=/guests/shared.dsk');
    expect(xmDisk(disk)).toBe('tap:aio:/guests/shared.dsk,xvdc,w!');
    expect(xmDisk({ target: '/guests/molly.img', vdev: 'xvda' })).toBe('tap:aio:/guests/molly.img,xvda,w');
    const cd = { target: '', vdev: 'hdc', access: 'r', cdrom: true } as const;
    expect(xmDisk(cd)).toBe(',hdc:cdrom,r');
    expect(xlDisk(cd)).toBe('format=raw,vdev=hdc,devtype=cdrom,access=ro,backendtype=qdisk,target=');
    expect(xmDisk({ target: '/dev/vg/lv', vdev: 'xvda', backendtype: 'phy' })).toBe('phy:/dev/vg/lv,xvda,w');
    expect(() => xmDisk({ target: '/a,b', vdev: 'xvda' })).toThrow(BadInput);
  });

  const disk = fc.record({
    target: fc.string({ unit: fc.constantFrom(...'ab1/.-_ =:') }).map((path) => `/guests/${path}z`),
    format: fc.constantFrom('raw', 'qcow2', 'vhd'),
    vdev: fc.constantFrom('xvda', 'xvdb1', 'hdc', 'sda'),
    access: fc.constantFrom('r' as const, 'w' as const),
    cdrom: fc.boolean(),
  });
  test('what is written is read back the same', () => {
    fc.assert(
      fc.property(disk, fc.boolean(), (spec, shared) => {
        expect(readDisk(xlDisk(spec), place)).toEqual({ ...spec, shared: false, backendtype: 'qdisk' });
        expect(readDisk(xmDisk({ ...spec, shared }), place)).toEqual({ ...spec, shared });
      }),
    );
  });

  test('nothing but BadInput is thrown for any text', () => {
    const unit = fc.constantFrom(...'tap:aio,xvda=wr!\n', 'target=', 'phy:', ',raw,', ' ');
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit }), fc.string({ unit: 'binary' })), (text) => {
        for (const act of [() => readDisk(text, place), () => readVif(text, place), () => nthMac(text, 1)]) {
          try {
            act();
          } catch (error) {
            expect(error).toBeInstanceOf(BadInput);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a vif', () => {
  test('is read, and written as the document does', () => {
    const text = 'mac=00:16:3e:00:cf:fe,bridge=xenbr0';
    expect(readVif(text, place)).toEqual({ mac: '00:16:3e:00:cf:fe', bridge: 'xenbr0', others: {} });
    expect(writeVif(readVif(text, place))).toBe(text);
  });

  test('keeps what else it says', () => {
    const vif = readVif('type=ioemu, bridge=xenbr1, script=vif-bridge,model=e1000', place);
    expect(vif).toEqual({ bridge: 'xenbr1', others: { type: 'ioemu', script: 'vif-bridge', model: 'e1000' } });
    expect(writeVif(vif)).toBe('bridge=xenbr1,type=ioemu,script=vif-bridge,model=e1000');
    expect(readVif('', place)).toEqual({ others: {} });
  });

  test('that is no list of pairs is refused', () => {
    expect(() => readVif('xenbr0', place)).toThrow('/etc/xen/molly:3: vif `xenbr0`: `xenbr0` is not KEY=VALUE');
  });
});

describe('MAC addresses', () => {
  test.each([
    ['00:16:3e:00:cf:fd', 0, '00:16:3e:00:cf:fd'],
    ['00:16:3E:00:CF:FD', 1, '00:16:3e:00:cf:fe'],
    ['00:16:3e:00:cf:ff', 1, '00:16:3e:00:d0:00'],
    ['00:16:3e:00:ff:ff', 2, '00:16:3e:01:00:01'],
    ['aa:00:00:ff:ff:fe', 1, 'aa:00:00:ff:ff:ff'],
  ])('%s + %i is %s', (base, n, mac) => expect(nthMac(base, n)).toBe(mac));

  test.each([
    ['00:16:3e:ff:ff:ff', 1],
    ['00:16:3e:00:00:00', -1],
    ['00:16:3e:00:00:00', 0.5],
    ['01:16:3e:00:00:00', 1],
    ['ff:ff:ff:ff:ff:ff', 0],
    ['00-16-3e-00-00-00', 1],
    ['00:16:3e:00:00', 1],
    ['00:16:3e:00:00:00\n', 1],
  ])('%j + %d is none', (base, n) => expect(() => nthMac(base, n, place)).toThrow(BadInput));
});
