import { BadUsage, fail, getopt, type Handler, ok } from '../call.ts';
import { imageOf } from '../guests.ts';
import { devicesOf, writeRaw } from '../raw-disk.ts';
import { bytesOn } from './image-bytes.ts';
import type { Machine, World } from '../world.ts';
import { majorOf, hostnameOf } from './release.ts';

/** Bytes of cman/qdisk/disk.h: blocks of 4096, each behind a header of its own; numbers with the highest byte first. */
const block = 4096;
const nodes = 16;
const shared = 0x00debb1e;
const magic = { header: 0xeb7a62c2, status: 0x47bacef8 } as const;
const behind = 32;

function blockOf(content: Buffer): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.writeUInt32BE(shared, 0);
  bytes.writeUInt32BE(content.length, 12);
  content.copy(bytes, behind);
  return bytes;
}

function header(label: string, host: string, time: number): Buffer {
  const bytes = Buffer.alloc(272);
  bytes.writeUInt32BE(magic.header, 0);
  bytes.writeUInt32BE(0x389fabc4, 4);
  bytes.writeBigUInt64BE(BigInt(time), 8);
  bytes.write(host.slice(0, 127), 16);
  bytes.write(label.slice(0, 119), 144);
  bytes.writeUInt32BE(512, 264);
  return blockOf(bytes);
}

function status(node: number, time: number): Buffer {
  const bytes = Buffer.alloc(80);
  bytes.writeUInt32BE(magic.status, 0);
  bytes.writeBigUInt64BE(BigInt(time), 8);
  bytes.writeUInt32BE(node, 16);
  return blockOf(bytes);
}

export interface QuorumDisk {
  readonly device: string;
  readonly label: string;
  readonly created: number;
  readonly host: string;
  /** All status blocks are there. */
  readonly whole: boolean;
}

/** The quorum disks that this machine sees. */
export function quorumDisks(world: World, machine: Machine): readonly QuorumDisk[] {
  return devicesOf(machine).flatMap((device) => {
    const bytes = bytesOn(world, machine, device, 0, 512);
    const last = bytesOn(world, machine, device, nodes * block, 4);
    if (!bytes || bytes.length < 512 || bytes.readUInt32BE(behind) !== magic.header) return [];
    const text = (at: number, length: number) =>
      bytes.toString('latin1', behind + at, behind + at + length).replace(/\0.*$/s, '');
    const created = Number(bytes.readBigUInt64BE(behind + 8));
    const whole = last?.length === 4 && last.readUInt32BE(0) === shared;
    return [{ device, label: text(144, 120), created, host: text(16, 128), whole }];
  });
}

/** ctime(3) */
const ctime = (seconds: number) => {
  const [day = '', date = '', month = '', year = '', time = ''] = new Date(seconds * 1000).toUTCString().split(/,? /);
  return `${day} ${month} ${date.replace(/^0/, ' ')} ${time} ${year}`;
};

const usage = 'usage: mkqdisk -L | -f <label> | -c <device> -l <label>\n';

/**
 * mkqdisk(8) of cman 2 and 3 (cman/qdisk/mkqdisk.c, proc.c, disk.c). It takes the first character of stdin for an answer, and
 * ends with 0 after any but a y. Killed midway, the header is there, and no status block.
 */
export const mkqdisk: Handler = ({ world, machine, args, input, midway }) => {
  const options = getopt(args, ['-L', '-d', '-h'], ['-f', '-c', '-l']);
  const three = majorOf(machine.tree) === 6;
  const title = `mkqdisk v${three ? '3.0.12' : '0.6.0'}\n\n`;
  if (options.has('-h')) return ok(title + usage);
  if (options.has('-f')) throw new BadUsage('-f is not simulated');
  if (options.has('-L')) {
    const found = quorumDisks(world, machine);
    const rows = found.map(({ device, label, created, host }) => {
      const minor = (device.charCodeAt(8) - 'a'.charCodeAt(0)) * 16;
      const names = three ? [`/dev/block/202:${minor}`, device] : [device];
      return `${names.map((name) => `${name}:\n`).join('')}\tMagic:                eb7a62c2\n\tLabel:                ${label}\n\tCreated:              ${ctime(created)}\n\tHost:                 ${host}\n\tKernel Sector Size:   512\n\tRecorded Sector Size: 512\n\n`;
    });
    return { code: found.length > 0 ? 0 : 255, stdout: title + rows.join('') };
  }
  const [device, label] = [options.value('-c'), options.value('-l')];
  if (device === undefined && label === undefined) return { code: 1, stdout: title + usage };
  if (device === undefined || label === undefined)
    return { code: 1, stdout: `${title}Both a device and a label are required\n` };
  const asked = `${title}Writing new quorum disk label '${label}' to ${device}.\nWARNING: About to destroy all data on ${device}; proceed [N/y] ? `;
  if (input.toString()[0] !== 'y') return ok(`${asked}Good thinking.\n`);
  const image = imageOf(machine, device);
  if (image === undefined) return { ...fail(255, 'qdisk_verify: No such file or directory'), stdout: asked };
  const time = world.state.clock;
  world.images.clear(image);
  delete world.state.gfs2[image];
  writeRaw(world, image, header(label, hostnameOf(machine.tree), time), 0);
  midway();
  let said = asked;
  for (let node = 1; node <= nodes; node++) {
    said += `Initializing status block for node ${node}...\n`;
    writeRaw(world, image, status(node, time), node * block);
  }
  return ok(said);
};

/** blkid(8) of e2fsprogs 1.39: without a cache it writes nothing; 2 where it finds nothing. It knows no quorum disk. */
export const oldBlkid: Handler = ({ world, machine, args }) => {
  const options = getopt(args, [], ['-c']);
  const [device = ''] = options.rest;
  if (options.value('-c') !== '/dev/null') throw new BadUsage('simulated with -c /dev/null only');
  const image = imageOf(machine, device);
  if (image === undefined || world.images.treeOf(image) === undefined) return { code: 2 };
  return ok(`${device}: UUID="6c3d0b1e-0000-4000-8000-000000000001" TYPE="ext3" \n`);
};
