import { volumeGroup } from './lvm-text.ts';
import { type Section, sectionAt } from './section.ts';

/**
 * Where things lie in the raw image of a guest, so that a file system in it can be mounted by its offset. No volume group has to
 * be activated for that: clones carry the same group names and uuids, and two of one name must not be active at once.
 */
export interface Partition {
  /** Bytes from the start of the image. */
  readonly start: number;
  /** Bytes. */
  readonly size: number;
  /** MBR id in lower case: '83' Linux, '8e' LVM; a GUID that has no such id as it is, in lower case. */
  readonly type: string;
  readonly bootable: boolean;
}

/** Of the discoverable partitions: what holds a Linux file system, and what a physical volume. */
const GUIDS: Readonly<Record<string, string>> = {
  '0fc63daf-8483-4772-8e79-3d69d8477de4': '83',
  '4f68bce3-e8cd-4db1-96e7-fbcaf984b709': '83',
  '44479540-f297-41b2-9af7-d131d5f0458a': '83',
  'e6d6d379-f507-44c2-a23c-238f2a3df928': '8e',
};
const ROW = /: start=\s*(\d+), size=\s*(\d+), (?:Id=\s*|type=)([0-9a-f-]+)(.*)$/i;

/**
 * The partitions of `sfdisk -d IMAGE`: of util-linux 2.13 (`Id=83, bootable`) and of today's (`type=83, bootable`; with a GPT
 * GUIDs and `attrs="LegacyBIOSBootable"`). Unused entries are left out.
 */
export function partitionsOf(sfdiskDump: string): readonly Partition[] {
  const sector = Number(/^sector-size: (\d+)\s*$/m.exec(sfdiskDump)?.[1] ?? 512);
  return sfdiskDump.split(/\r?\n/).flatMap((line) => {
    const [, start, size, id = '', rest = ''] = ROW.exec(line) ?? [];
    if (Number(size ?? 0) === 0) return [];
    const type = GUIDS[id.toLowerCase()] ?? id.toLowerCase();
    // A name may say anything, so strings are left out of the look for `bootable`.
    const bootable = /attrs="[^"]*LegacyBIOSBootable/.test(rest) || /\bbootable\b/.test(rest.replace(/"[^"]*"/g, ''));
    return [{ start: Number(start) * sector, size: Number(size) * sector, type, bootable }];
  });
}

export interface LvmVolume {
  readonly group: string;
  readonly volume: string;
  /** In the order of the volume; neighbours are one. None if its bytes are not simply there: then there is a reason. */
  readonly segments: readonly {
    /** Bytes from the start of the physical volume. */
    readonly start: number;
    readonly size: number;
  }[];
  /** How many physical volumes it lies on. */
  readonly physicalVolumes: number;
  readonly reason?: string;
}

/** Whether all of a volume lies in one piece, so that an offset is enough to reach it. */
export function isLinear({ segments }: LvmVolume): boolean {
  return segments.length === 1;
}

const SECTOR = 512;
const numberIn = (section: Section | undefined, key: string) => Number(section?.values.get(key) ?? Number.NaN);

/** segment1, segment2 … of a volume, in the order of its extents. */
function segmentsOf(volume: Section): readonly Section[] {
  const named = [...volume.sections].filter(([name]) => /^segment\d+$/.test(name)).map(([, [segment]]) => segment);
  return named
    .filter((segment) => segment !== undefined)
    .sort((a, b) => numberIn(a, 'start_extent') - numberIn(b, 'start_extent'));
}

/** The visible volumes in LVM2's text metadata: the first MiB of a physical volume, or what vgcfgbackup writes. */
export function lvmVolumes(metadata: string): readonly LvmVolume[] {
  const found = volumeGroup(metadata);
  if (!found) return [];
  const { name: group, section, self } = found;
  const extent = numberIn(section, 'extent_size') * SECTOR;
  const first =
    numberIn(self === undefined ? undefined : sectionAt(section, 'physical_volumes', self), 'pe_start') * SECTOR;
  return [...(sectionAt(section, 'logical_volumes')?.sections ?? [])].flatMap(([volume, [logical]]) => {
    if (!logical || !/\bVISIBLE\b/.test(logical.values.get('status') ?? '')) return [];
    const parts = segmentsOf(logical);
    const lies = parts.flatMap((part) => (part.values.get('stripes') ?? '').split(' ').filter((_, at) => at % 2 === 0));
    const on = new Set(lies.filter(Boolean));
    const segments: { start: number; size: number }[] = [];
    for (const part of parts) {
      const start = first + Number(part.values.get('stripes')?.split(' ')[1] ?? Number.NaN) * extent;
      const size = numberIn(part, 'extent_count') * extent;
      const last = segments.at(-1);
      if (last && last.start + last.size === start) last.size += size;
      else segments.push({ start, size });
    }
    const reason =
      reasonAgainst(parts, on, self) ?? (segments.every(isPlace) ? undefined : 'its metadata is not understood');
    const known = { group, volume, physicalVolumes: on.size };
    return [reason === undefined ? { ...known, segments } : { ...known, segments: [], reason }];
  });
}

const isPlace = (segment: { start: number; size: number }) =>
  Object.values(segment).every((value) => Number.isSafeInteger(value) && value > 0);

/** Why the bytes of a volume are not simply there; undefined if they are. */
function reasonAgainst(
  parts: readonly Section[],
  on: ReadonlySet<string>,
  self: string | undefined,
): string | undefined {
  if (parts.length === 0) return 'it has no segments';
  for (const part of parts) {
    const type = part.values.get('type');
    // LVM calls linear what is striped over one.
    if (type !== 'striped' && type !== 'linear') return `it is of type ${type ?? 'unknown'}`;
    if (numberIn(part, 'stripe_count') !== 1)
      return `it is striped over ${part.values.get('stripe_count') ?? 'several'}`;
  }
  if (on.size > 1) return `it lies on ${on.size} physical volumes`;
  if (self === undefined)
    return 'its group has several physical volumes, and the text does not tell which one it is of';
  return on.has(self) ? undefined : 'it lies on another physical volume';
}
