import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { fail, getopt, type Handler, ok } from '../call.ts';
import { imageOf } from '../guests.ts';
import { majorOf } from './release.ts';

/** GFS2_DEFAULT_JSIZE of that day: it does not shrink with the disk, as today's does. */
const journalBytes = 128 * 1024 ** 2;

/** What is wrong with a lock table, in the words of test_locking(). */
function tableError(table: string): string | undefined {
  const [cluster = '', name, ...more] = table.split(':');
  if (name === undefined) return 'missing colon in the locktable';
  if (cluster === '') return 'missing cluster name';
  if (cluster.length > 16) return 'cluster name too long';
  if (more.length > 0) return 'more than one colon present';
  if (name === '') return 'missing filesystem name';
  return name.length > 16 ? 'filesystem name too long' : undefined;
}

/**
 * mkfs.gfs2(8) of cman's day (gfs2/mkfs/main_mkfs.c). It sees only what its own host has mounted. The superblock is written
 * before the journals: killed midway, it leaves what looks like a file system, and is none.
 */
export const oldMkfsGfs2: Handler = ({ world, machine, args, midway }) => {
  const options = getopt(args, ['-O', '-q'], ['-p', '-t', '-j']);
  const [device = ''] = options.rest;
  const [table = '', journals] = [options.value('-t') ?? '', Number(options.value('-j') ?? 1)];
  const die = (text: string) => fail(majorOf(machine.tree) === 6 ? 255 : 1, `mkfs.gfs2: ${text}`);
  const wrong = tableError(table);
  if (options.value('-p') !== 'lock_dlm') return die(`lockproto error: ${options.value('-p') ?? ''} unknown`);
  if (wrong !== undefined) return die(`locktable error: ${wrong}`);
  const image = imageOf(machine, device);
  const size = image === undefined ? undefined : world.dom0.tree.stat(image)?.size;
  if (image === undefined || size === undefined) return die(`could not stat device ${device}`);
  if (machine.running?.mounts?.some((at) => at.image === image)) return die(`device ${device} is busy`);
  if (!options.has('-O'))
    return { ...die('unable to read from stdin'), stdout: 'Are you sure you want to proceed? [y/n] ' };
  const used = journals * journalBytes + 4 * 1024 ** 2;
  if (size < used) return die(`Device is too small (${size} bytes)`);
  const uuid = randomUUID();
  world.images.clear(image);
  mkdirSync(world.images.homeOf(image), { recursive: true });
  world.state.gfs2[image] = { table, journals, uuid, unfinished: true };
  world.save();
  midway();
  world.state.gfs2[image] = { table, journals, uuid, used };
  const blocks = Math.floor(size / 4096);
  const gigabytes = (size / 1024 ** 3).toFixed(2);
  return ok(`Device:                    ${device}
Blocksize:                 4096
Device Size                ${gigabytes} GB (${blocks} blocks)
Filesystem Size:           ${gigabytes} GB (${blocks - 2} blocks)
Journals:                  ${journals}
Resource Groups:           ${Math.max(1, Math.floor(size / (256 * 1024 ** 2)))}
Locking Protocol:          "lock_dlm"
Lock Table:                "${table}"
UUID:                      ${uuid.toUpperCase()}

`);
};
