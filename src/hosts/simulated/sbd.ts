import { createHash } from 'node:crypto';
import { fail, getopt, type Handler, ok, type Result } from './call.ts';
import { imageOf } from './guests.ts';
import { writeRaw } from './raw-disk.ts';
import { bytesOn } from './red-hat/image-bytes.ts';
import type { Started } from './units.ts';
import type { Machine, World } from './world.ts';

/** sbd 1.5.2 on one disk of 512-byte sectors: output, exit codes and bytes as measured on a loop device. */

const sector = 512;
const slots = 255;
/** Numbers behind the magic, the version and the number of slots, each of 4 bytes, the highest first. */
const fields = { size: 12, watchdog: 16, allocate: 20, loop: 24, msgwait: 28 } as const;
type Times = Record<Exclude<keyof typeof fields, 'size'>, number>;

function header(times: Times, uuid: string): Buffer {
  const bytes = Buffer.alloc(sector);
  bytes.write('SBD_SBD_');
  bytes.set([2, slots], 8);
  bytes.writeUInt32BE(sector, fields.size);
  for (const [name, seconds] of Object.entries(times)) bytes.writeUInt32BE(seconds, fields[name as keyof Times]);
  bytes[32] = 1;
  bytes.write(uuid.replaceAll('-', ''), 33, 'hex');
  return bytes;
}

/** The valid header on a disk. */
function headerOf(world: World, machine: Machine, device: string): Buffer | undefined {
  const bytes = bytesOn(world, machine, device, 0, sector);
  const valid = bytes?.toString('latin1', 0, 8) === 'SBD_SBD_' && bytes[8] === 2;
  return valid ? bytes : undefined;
}

const slotAt = (n: number) => (1 + 2 * n) * sector;

/** Names in the slots, until the first that is free. */
function nodesOn(world: World, machine: Machine, device: string): readonly string[] {
  const names: string[] = [];
  for (let n = 0; n < slots; n++) {
    const slot = bytesOn(world, machine, device, slotAt(n), sector);
    if (slot?.[0] !== 1) break;
    names.push(slot.toString('latin1', 1).replace(/\0.*$/s, ''));
  }
  return names;
}

/** A node takes the first slot that is free, if it has none. */
function allocate(world: World, machine: Machine, device: string, name: string): void {
  const image = imageOf(machine, device);
  const nodes = nodesOn(world, machine, device);
  if (image === undefined || nodes.includes(name)) return;
  const slot = Buffer.alloc(sector);
  slot[0] = 1;
  slot.write(name, 1, 'latin1');
  writeRaw(world, image, slot, slotAt(nodes.length));
}

const seeLogs = 'sbd failed; please check the logs.';

const dump = (bytes: Buffer | undefined, device: string): Result => {
  const title = `==Dumping header on disk ${device}\n`;
  if (!bytes) return fail(1, `==Header on disk ${device} NOT dumped\n${seeLogs}`, title);
  const number = (name: keyof typeof fields) => bytes.readUInt32BE(fields[name]);
  const uuid = bytes.toString('hex', 33, 49).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const rows: readonly (readonly [string, string | number])[] = [
    ['Header version', '2.1'],
    ['UUID', uuid],
    ['Number of slots', slots],
    ['Sector size', number('size')],
    ['Timeout (watchdog)', number('watchdog')],
    ['Timeout (allocate)', number('allocate')],
    ['Timeout (loop)', number('loop')],
    ['Timeout (msgwait)', number('msgwait')],
  ];
  const text = rows.map(([name, value]) => `${name.padEnd(18)} : ${value}\n`).join('');
  return ok(`${title}${text}==Header on disk ${device} is dumped\n`);
};

/** sbd(8) create, dump, list, allocate. create asks nothing, and overwrites whatever is there. Killed midway, its header is there. */
export const sbd: Handler = ({ world, machine, args, midway }) => {
  const options = getopt(args, [], ['-d', '-1', '-2', '-3', '-4']);
  const device = options.value('-d');
  const [verb = '', node = ''] = options.rest;
  if (!['create', 'dump', 'list', 'allocate'].includes(verb))
    return fail(1, 'sbd: only create, dump, list and allocate are simulated');
  if (device === undefined) return ok();
  const image = imageOf(machine, device);
  if (image === undefined) {
    const said = verb === 'create' ? `Failed to init device ${device}` : `== disk ${device} unreadable!`;
    return fail(1, `${said}\n${seeLogs}`);
  }
  const bytes = headerOf(world, machine, device);
  if (verb === 'dump') return dump(bytes, device);
  if (verb === 'list') {
    if (!bytes) return fail(1, `== Slots on disk ${device} NOT dumped\n${seeLogs}`);
    return ok(
      nodesOn(world, machine, device)
        .map((name, n) => `${n}\t${name}\tclear\t\n`)
        .join(''),
    );
  }
  if (verb === 'allocate') {
    if (!bytes || node === '') return fail(1, seeLogs);
    const trying = `Trying to allocate slot for ${node} on device ${device}.\n`;
    allocate(world, machine, device, node);
    return ok(`${trying}Slot for ${node} has been allocated on ${device}.\n`);
  }
  const said = `Initializing device ${device}\nCreating version 2.1 header on device 3\nInitializing ${slots} slots on device 3\n`;
  if ((world.dom0.tree.stat(image)?.size ?? 0) < slotAt(slots))
    return fail(1, `Failed to init device ${device}\n${seeLogs}`, said);
  const seconds = (flag: string, usual: number) => Number(options.value(flag) ?? usual);
  const times = {
    watchdog: seconds('-1', 5),
    allocate: seconds('-2', 2),
    loop: seconds('-3', 1),
    msgwait: seconds('-4', 10),
  };
  const uuid = createHash('md5').update(`${image} ${world.state.clock}`).digest('hex');
  world.images.clear(image);
  delete world.state.gfs2[image];
  writeRaw(world, image, header(times, uuid), 0);
  midway();
  writeRaw(world, image, Buffer.alloc(slotAt(slots) - sector), sector);
  return ok(
    `${said}Device ${device} is initialized.\nDid you check sbd service down on all nodes before? If not do so now and restart afterwards.\n`,
  );
};

/** sbd.service: `sbd watch` needs its watchdog and the header on its disk, and takes a slot for its node. */
export function startSbd(world: World, machine: Machine): Started {
  const text = machine.tree.text('/etc/default/sbd') ?? '';
  const value = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  const watchdog = value('SBD_WATCHDOG_DEV') || '/dev/watchdog';
  const device = value('SBD_DEVICE');
  if (!machine.tree.has(watchdog))
    return {
      is: 'failed',
      lines: [`error: watchdog_init: Cannot open watchdog device '${watchdog}': No such file or directory (2)`],
    };
  if (device === '') return { is: 'running' };
  const image = imageOf(machine, device);
  // It waits for a disk with a header, longer than systemd waits for it.
  if (image === undefined || !headerOf(world, machine, device))
    return {
      is: 'failed',
      lines: ['error: open_any_device: No devices were available at start-up within 120 seconds.'],
    };
  const name = machine.tree.text('/etc/hostname')?.trim() ?? machine.name;
  allocate(world, machine, device, name);
  return { is: 'running' };
}
