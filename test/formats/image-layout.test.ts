import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLinear, lvmVolumes, partitionsOf } from '../../src/formats/image-layout.ts';

const MiB = 1024 ** 2;

describe('partitions', () => {
  test('by sfdisk of 2007 (util-linux 2.13)', () => {
    const dump = `# partition table of /guests/default.img
unit: sectors

/guests/default.img1 : start=       63, size=   208782, Id=83, bootable
/guests/default.img2 : start=   208845, size= 20755980, Id=8e
/guests/default.img3 : start=        0, size=        0, Id= 0
/guests/default.img4 : start= 20964825, size=     1000, Id= 5
`;
    expect(partitionsOf(dump)).toEqual([
      { start: 63 * 512, size: 208782 * 512, type: '83', bootable: true },
      { start: 208845 * 512, size: 20755980 * 512, type: '8e', bootable: false },
      { start: 20964825 * 512, size: 512000, type: '5', bootable: false },
    ]);
  });

  test('by sfdisk of today (util-linux 2.38), measured', () => {
    const dump = `label: dos
label-id: 0x5e84ef10
device: ext.img
unit: sectors
sector-size: 512

ext.img1 : start=        2048, size=      102400, type=83, bootable
ext.img2 : start=      104448, size=      509952, type=5
ext.img5 : start=      106496, size=       40960, type=82
ext.img6 : start=      149504, size=      464896, type=8E
`;
    expect(partitionsOf(dump).map(({ start, type, bootable }) => [start / 512, type, bootable])).toEqual([
      [2048, '83', true],
      [104448, '5', false],
      [106496, '82', false],
      [149504, '8e', false],
    ]);
  });

  test('of a GPT, measured, and with larger sectors', () => {
    const dump = `label: gpt
label-id: B09A488F-36F3-3B40-AD5B-4AD7031DE2F9
device: gpt.img
unit: sectors
first-lba: 2048
last-lba: 614366
sector-size: 4096

gpt.img1 : start=        2048, size=       40960, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=CDD56AE8-D265-C44E-B8D1-6D549337EB9F
gpt.img2 : start=       43008, size=      102400, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=4A6B2966-A6D5-0549-90CE-59BF92E9C9D3
gpt.img3 : start=      145408, size=      204800, type=E6D6D379-F507-44C2-A23C-238F2A3DF928, uuid=D65F8A4C-B403-BA4D-A408-E6862E8FA9B2, name="a, type=83, bootable"
gpt.img4 : start=      350208, size=       61440, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=9D496D68-D3DF-CA4A-96E1-ACD53B033328, attrs="RequiredPartition LegacyBIOSBootable"
`;
    expect(partitionsOf(dump).map(({ start, type, bootable }) => [start / 4096, type, bootable])).toEqual([
      [2048, 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b', false],
      [43008, '83', false],
      [145408, '8e', false],
      [350208, '83', true],
    ]);
  });

  test('of something else are none', () => {
    expect(partitionsOf('')).toEqual([]);
    expect(partitionsOf('sfdisk: none.img: does not contain a recognized partition table')).toEqual([]);
  });
});

/**
 * The beginning of a real physical volume, made by LVM 2.03.16 on a loop device (pvcreate, vgcreate -s 32M, lvcreate, lvextend,
 * vgextend, lvcreate -i2 …) and read with dd: the label and two of the seven metadata in the ring; NULs are written as ␀, and
 * only a few of many in a row.
 */
const real = readFileSync(new URL('lvm-metadata.txt', import.meta.url), 'utf8').replaceAll('␀', '\0');
const linear = (volume: string, start: number, size: number) => ({
  group: 'VolGroup00',
  volume,
  segments: [{ start: start * MiB, size: size * MiB }],
  physicalVolumes: 1,
});

describe('logical volumes', () => {
  test('of a real physical volume: the newest metadata count', () => {
    expect(lvmVolumes(real)).toEqual([
      {
        group: 'VolGroup00',
        volume: 'LogVol00',
        segments: [
          { start: MiB, size: 480 * MiB },
          { start: (1 + 17 * 32) * MiB, size: 32 * MiB },
        ],
        physicalVolumes: 1,
      },
      linear('LogVol01', 1 + 15 * 32, 64),
      { group: 'VolGroup00', volume: 'stripe', segments: [], physicalVolumes: 2, reason: 'it is striped over 2' },
      {
        group: 'VolGroup00',
        volume: 'spread',
        segments: [],
        physicalVolumes: 2,
        reason: 'it lies on 2 physical volumes',
      },
    ]);
    expect(lvmVolumes(real).map(isLinear)).toEqual([false, true, false, false]);
  });

  test('neighbouring segments are one', () => {
    expect(lvmVolumes(real.replace('"pv0", 17', '"pv0", 15'))[0]).toEqual(linear('LogVol00', 1, 512));
  });

  test('older ones do not stand in for the newest', () => {
    expect(lvmVolumes(real.slice(0, real.indexOf('spread {')))).toEqual([]);
    expect(lvmVolumes(real.replace('spread {', 'spre\0d {'))).toEqual([]);
    expect(lvmVolumes(real.replace('seqno = 2', 'seqno = 2\0'))).toEqual(lvmVolumes(real));
  });

  test('copies of another physical volume do not count', () => {
    const foreign = real
      .slice(real.lastIndexOf('VolGroup00 {'))
      .replaceAll('nIvKd7', 'other7')
      .replace('seqno = 7', 'seqno = 99');
    expect(lvmVolumes(`${real}${foreign}`)).toEqual(lvmVolumes(real));
    expect(lvmVolumes(real.slice(0, 300) + foreign)).toEqual([]);
  });

  test('without the label it must be the only physical volume', () => {
    const old = real.slice(real.indexOf('VolGroup00 {'), real.lastIndexOf('VolGroup00 {'));
    expect(lvmVolumes(old)).toEqual([linear('LogVol00', 1, 480)]);
    const [first] = lvmVolumes(real.slice(real.indexOf('VolGroup00 {')));
    expect(first).toMatchObject({ segments: [], physicalVolumes: 1, reason: expect.stringContaining('does not tell') });
  });

  test('on the other physical volume of the group', () => {
    const other = real.replace('nIvKd7b7TTWLEyjLtIETqsdbHquR3MEa', 'saf47j2pUjgHzXL2R7WtjGHkUO0gJ2xt');
    expect(lvmVolumes(other)[1]).toMatchObject({ segments: [], reason: 'it lies on another physical volume' });
  });

  test('as vgcfgbackup writes them, with tabs and comments; the layout of 2007', () => {
    const backup = `# Generated by LVM2 version 2.02.26-RHEL5 (2007-06-15): Tue Nov 27 17:15:58 2007

contents = "Text Format Volume Group"
version = 1

description = "Created *after* executing \\"vgcreate\\" {"

VolGroup00 {
	id = "hn696d-aQKD-0dy8-iFK3-EH0m-rsHu-8L064O"
	seqno = 3
	status = ["RESIZEABLE", "READ", "WRITE"]
	extent_size = 65536		# 32 Megabytes { [
	max_lv = 0
	max_pv = 0

	physical_volumes {

		pv0 {
			id = "nIvKd7-b7TT-WLEy-jLtI-ETqs-dbHq-uR3MEa"
			device = "/dev/xvda2"	# Hint only

			status = ["ALLOCATABLE"]
			dev_size = 20755980	# 9.89722 Gigabytes
			pe_start = 384
			pe_count = 316	# 9.875 Gigabytes
		}
	}

	logical_volumes {

		LogVol00 {
			id = "sF5CUD-6dtX-DKiI-N0V8-Dsls-adRS-spmZN9"
			status = ["READ", "WRITE", "VISIBLE"]
			segment_count = 1

			segment1 {
				start_extent = 0
				extent_count = 300	# 9.375 Gigabytes

				type = "striped"
				stripe_count = 1	# linear

				stripes = [
					"pv0", 0
				]
			}
		}

		hidden {
			status = ["READ", "WRITE"]
		}

		mirror {
			status = ["READ", "WRITE", "VISIBLE"]
			segment1 {
				start_extent = 0
				extent_count = 1
				type = "mirror"
				mirror_count = 2
				mirrors = ["mirror_mimage_0", 0, "mirror_mimage_1", 0]
			}
		}

		nothing {
			status = ["VISIBLE"]
		}

		odd {
			status = ["VISIBLE"]
			segment1 {
				start_extent = 0
				type = "striped"
				stripe_count = 1
				stripes = ["pv0", "x"]
			}
		}
	}
}
`;
    const volumes = lvmVolumes(backup);
    expect(volumes.map(({ volume, reason }) => [volume, reason])).toEqual([
      ['LogVol00', undefined],
      ['mirror', 'it is of type mirror'],
      ['nothing', 'it has no segments'],
      ['odd', 'its metadata is not understood'],
    ]);
    expect(volumes[0]?.segments).toEqual([{ start: 384 * 512, size: 300 * 32 * MiB }]);
    expect(lvmVolumes(backup.replaceAll('\n', '\r\n'))).toEqual(volumes);
  });

  test('of something else are none, whatever it is', () => {
    expect(lvmVolumes('')).toEqual([]);
    expect(lvmVolumes('\0\u0001LABELONE')).toEqual([]);
    const cut = fc.tuple(fc.nat(), fc.nat({ max: 30 }), fc.string({ unit: fc.constantFrom(...'{}[]=",# \n\0a1') }));
    fc.assert(
      fc.property(cut, ([at, length, put]) => {
        const start = at % real.length;
        for (const { segments, reason } of lvmVolumes(real.slice(0, start) + put + real.slice(start + length))) {
          expect(segments.length > 0).toBe(reason === undefined);
        }
      }),
    );
    const many = 'a { id = "" seqno = 1 '.repeat(5000);
    expect(lvmVolumes(many)).toEqual([]);
  });
});
