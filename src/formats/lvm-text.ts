import { type Section, SectionBuilder, sectionAt } from './section.ts';

/** Blanks, comments, strings, signs, names and numbers (lvm2, lib/config: `name { key = value key = [ value, value ] }`). */
const WORD = /\s+|#[^\n]*|"[^"\\]*(?:\\[^][^"\\]*)*"|[{}[\]=,]|[\w.+-]+/y;
const START = /[\w.+-]+\s*\{\s*id\s*=\s*"([^"]*)"\s*seqno\s*=\s*(\d{1,15})\b/g;
/** The label of a physical volume: its type, and its uuid without dashes (lvm2, lib/format_text/layout.h). */
const LABEL = /LVM2 001([A-Za-z0-9]{32})/;
/** The area of the metadata is a ring that holds older ones too; a few of the newest are enough. */
const TRIED = 20;

/**
 * The section of a volume group that begins at an offset; undefined if it is not whole. Its values are words, those of a list
 * with a space between them.
 */
function groupAt(text: string, start: number): Section | undefined {
  const builder = new SectionBuilder();
  let name = '';
  let value: string[] | undefined;
  let isList = false;
  WORD.lastIndex = start;
  for (let match = WORD.exec(text); match; match = WORD.exec(text)) {
    const [word] = match;
    if (/^[\s#,]/.test(word)) continue;
    if (word === '{') {
      builder.enter(name);
    } else if (word === '}') {
      if (!builder.leave()) return undefined;
      if (builder.depth === 0) return builder.finish();
    } else if (word === '=') {
      value = [];
    } else if (word === '[') {
      isList = true;
    } else if (!value) {
      name = word;
    } else {
      if (word !== ']') value.push(word.startsWith('"') ? word.slice(1, -1) : word);
      if (isList && word !== ']') continue;
      builder.set(name, value.join(' '));
      [value, isList] = [undefined, false];
    }
  }
  return undefined;
}

export interface VolumeGroup {
  readonly name: string;
  readonly section: Section;
  /** Name (pv0) of the physical volume that the text is of; undefined if the text does not tell. */
  readonly self: string | undefined;
}

/** uuids of the physical volumes of a group, by their names in it. */
function physicalVolumes(group: Section): ReadonlyMap<string, string> {
  const found = [...(sectionAt(group, 'physical_volumes')?.sections ?? [])];
  return new Map(found.map(([name, [pv]]) => [pv?.values.get('id')?.replaceAll('-', '') ?? '', name]));
}

/**
 * The volume group in LVM2's text metadata: the beginning of a physical volume, or what vgcfgbackup writes. Binary garbage
 * before, between and behind is passed over; of several copies the one with the highest seqno counts. Copies of another
 * physical volume, left of a former use of the disk, do not count. Undefined if there is none, or the newest is not whole: an
 * older one may tell of places that are no longer true.
 */
export function volumeGroup(text: string): VolumeGroup | undefined {
  const label = LABEL.exec(text)?.[1];
  const starts = [...text.matchAll(START)].sort((a, b) => Number(b[2]) - Number(a[2]));
  const broken = new Set<string>();
  for (const [index, id] of starts.slice(0, TRIED).map((start) => [start.index, start[1] ?? ''] as const)) {
    const [found] = [...(groupAt(text, index)?.sections ?? [])];
    const [name, [section] = []] = found ?? [];
    if (name === undefined || !section) {
      broken.add(id);
      continue;
    }
    const names = physicalVolumes(section);
    const self = label === undefined ? undefined : names.get(label);
    if (label !== undefined && self === undefined) continue;
    if (broken.has(id)) return undefined;
    return { name, section, self: self ?? (names.size === 1 ? [...names.values()][0] : undefined) };
  }
  return undefined;
}
