import { BadInput, type Place } from '../model/errors.ts';

/** One disk of a domain, whichever dialect it was written in. */
export interface DiskSpec {
  /** Path in dom0; '' for an empty CD drive. */
  readonly target: string;
  /** raw, qcow2, vhd … */
  readonly format: string;
  /** As the guest sees it: xvda. */
  readonly vdev: string;
  readonly access: 'r' | 'w';
  /** Written `w!`: other guests write to it too. Only xm can say that; xl does not ask (see xlDisk). */
  readonly shared: boolean;
  readonly cdrom: boolean;
  /** phy, qdisk or standalone, if it is said. */
  readonly backendtype?: string;
}

const ACCESS: Readonly<Record<string, 'r' | 'w'>> = { r: 'r', ro: 'r', w: 'w', rw: 'w' };
const FORMATS = ['raw', 'qcow', 'qcow2', 'vhd', 'qed', 'vmdk'];
/** What xm put before a path and xl ignores: `tap:aio:`, `phy:`, `file:` … */
const PREFIX = /^(?:tap2?|aio|tapdisk|ioemu|file|phy):/;

type Fail = (message: string) => never;

/** What is known so far. */
interface Draft {
  target?: string;
  format?: string;
  vdev?: string;
  access?: 'r' | 'w';
  shared?: boolean;
  cdrom?: boolean;
  backendtype?: string;
}

function setDevice(draft: Draft, text: string): void {
  draft.vdev = text.replace(/:(?:cdrom|disk)$/, '');
  if (text.endsWith(':cdrom')) draft.cdrom = true;
}

function setAccess(draft: Draft, text: string, fail: Fail): void {
  const word = text.replace(/!$/, '');
  const access = Object.hasOwn(ACCESS, word) ? ACCESS[word] : undefined;
  draft.access = access ?? fail(`access \`${text}\` is none of r, w, w!`);
  draft.shared = text.endsWith('!');
}

/** `tap:qcow2:/a` → `/a`, noting the format and what `phy:` says of the backend. */
function setTarget(draft: Draft, text: string): void {
  let target = text;
  for (let match = PREFIX.exec(target); match; match = PREFIX.exec(target)) {
    if (match[0] === 'phy:') draft.backendtype = 'phy';
    target = target.slice(match[0].length);
  }
  const format = FORMATS.find((name) => target.startsWith(`${name}:`));
  if (format) draft.format = format;
  draft.target = format ? target.slice(format.length + 1) : target;
}

/** xl-disk-configuration(5), Key/Value Parameters. */
function setKey(draft: Draft, key: string, value: string, fail: Fail): void {
  if (key === 'vdev') setDevice(draft, value);
  else if (key === 'access') setAccess(draft, value, fail);
  else if (key === 'format') draft.format = value;
  else if (key === 'backendtype') draft.backendtype = value;
  else if (key === 'devtype') draft.cdrom = value === 'cdrom';
  else fail(`\`${key}=\` is not understood in a disk`);
}

/**
 * Reads one string of a `disk = [ … ]`: xm's `tap:aio:/guests/molly.img,xvda,w!`, xl's positional
 * `/guests/molly.img,raw,xvda,rw` and xl's `format=raw,vdev=xvda,access=rw,target=/guests/molly.img`
 * (xl-disk-configuration(5)). As in xl, `target=` takes all the rest.
 * @param place where the string stands, for messages
 * @throws BadInput if there is no device, or something is not understood
 */
export function readDisk(text: string, place: Place): DiskSpec {
  const fail: Fail = (message) => {
    throw new BadInput([
      { place, message: `disk \`${text}\`: ${message}`, hint: 'e.g. tap:aio:/guests/molly.img,xvda,w' },
    ]);
  };
  const draft: Draft = {};
  const explicit = /(?:^|,)\s*target=(.*)$/s.exec(text);
  if (explicit) draft.target = explicit[1] ?? '';
  const fields = explicit ? text.slice(0, explicit.index).split(',') : text.split(',');
  const positional: string[] = [];
  for (const field of fields.map((part) => part.trim())) {
    const [, key, value] = /^([a-z]+)=(.*)$/s.exec(field) ?? [];
    if (key !== undefined && value !== undefined) setKey(draft, key, value, fail);
    else if (field === 'cdrom') draft.cdrom = true;
    else positional.push(field);
  }
  if (draft.target === undefined) setTarget(draft, positional.shift() ?? '');
  // xl: the second field is the format. xm, and xl after one of xm's prefixes: it is the device already.
  const [next] = positional;
  if (next !== undefined && (next === '' || FORMATS.includes(next))) draft.format = positional.shift() || 'raw';
  const device = draft.vdev === undefined ? positional.shift() : undefined;
  if (device !== undefined) setDevice(draft, device);
  const access = draft.access === undefined ? positional.shift() : undefined;
  if (access) setAccess(draft, access, fail);
  const { target = '', format = 'raw', vdev, access: mode, shared = false, cdrom = false, backendtype } = draft;
  if (!vdev) return fail('the device is missing');
  // A fourth field of xm names the backend's domain: 0 is dom0.
  if (positional.some((field) => field !== '' && field !== '0')) fail('too many fields');
  const spec = { target, format, vdev, access: mode ?? (cdrom ? 'r' : 'w'), shared, cdrom };
  return backendtype === undefined ? spec : { ...spec, backendtype };
}

/** What must be known to write a disk; raw, writable and not shared if nothing else is said. */
export type DiskToWrite = Pick<DiskSpec, 'target' | 'vdev'> & Partial<DiskSpec>;

/**
 * A disk for xl, in its explicit form. Backend qdisk (QEMU) unless another is asked for: it alone lets two guests write
 * to one file without depending on the block script's sharing check, so `shared` needs no word here.
 */
export function xlDisk({
  target,
  vdev,
  format = 'raw',
  access = 'w',
  cdrom = false,
  backendtype = 'qdisk',
}: DiskToWrite): string {
  const devtype = cdrom ? 'devtype=cdrom,' : '';
  return `format=${format},vdev=${vdev},${devtype}access=${access === 'w' ? 'rw' : 'ro'},backendtype=${backendtype},target=${target}`;
}

/**
 * A disk for xm: `tap:aio:PATH,DEV,w`, and `w!` for a shared one (the document, Creating virtual machines 5).
 * @throws BadInput for a path with a comma, which xm cannot say
 */
export function xmDisk({
  target,
  vdev,
  format = 'raw',
  access = 'w',
  shared,
  cdrom,
  backendtype,
}: DiskToWrite): string {
  if (target.includes(',')) {
    const message = 'xm takes no disk whose path has a comma';
    throw new BadInput([{ place: { file: target }, message, hint: 'Rename it.' }]);
  }
  const prefix = backendtype === 'phy' ? 'phy:' : `tap:${format === 'raw' ? 'aio' : format}:`;
  return `${target && prefix}${target},${vdev}${cdrom ? ':cdrom' : ''},${access}${shared ? '!' : ''}`;
}
