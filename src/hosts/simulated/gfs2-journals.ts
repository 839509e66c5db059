import { fail, getopt, type Handler, ok } from './call.ts';
import { least } from './gfs2.ts';
import { imageOf } from './guests.ts';
import type { Gfs2 } from './state.ts';
import type { World } from './world.ts';

/** gfs2_edit(8) -p jindex: a line for each journal, among others. */
export const gfs2Edit: Handler = ({ world, machine, args }) => {
  const [index = '', device = ''] = getopt(args, ['-p']).rest;
  if (index !== 'jindex') return fail(1, 'gfs2_edit: only -p jindex is simulated');
  const image = imageOf(machine, device);
  const gfs2 = image === undefined ? undefined : world.state.gfs2[image];
  if (!gfs2) return fail(1, `Unknown block type: ${device} is not a GFS or GFS2 file system`);
  const rows = Array.from(
    { length: gfs2.journals },
    (_, n) =>
      `   ${n + 3}/${n + 3} [fc7745eb] ${n + 4}/${24 + n} (0x${(n + 4).toString(16)}/0x18): File    journal${n}\n`,
  );
  return ok(`Block #22    (0x16) of 10240 (0x2800) (disk inode)\n${rows.join('')}`);
};

/** MiB that an added journal has at least: 3.5.0 refuses less, though mkfs makes them of 8 (measured). */
const leastAdded = 32;

const usedBy = (gfs2: Gfs2 | undefined) => gfs2?.used ?? least(gfs2?.journals ?? 0);

/** Bytes of a disk, and those that its GFS2 has taken for itself. */
export function gfs2Room(world: World, image: string): { readonly size: number; readonly used: number } {
  return { size: world.dom0.tree.stat(image)?.size ?? 0, used: usedBy(world.state.gfs2[image]) };
}

/** gfs2_jadd(8): on a mounted file system only, and where there is room. */
export const gfs2Jadd: Handler = ({ world, machine, args, midway }) => {
  const options = getopt(args, [], ['-j', '-J']);
  const [at = ''] = options.rest;
  const mount = machine.running?.mounts?.find((one) => one.at === at);
  const image = mount?.image;
  const gfs2 = image === undefined ? undefined : world.state.gfs2[image];
  if (image === undefined || !gfs2) return fail(255, `Error finding filesystem: ${at}: not a mounted gfs2 file system`);
  const [size, added] = [Number(options.value('-J') ?? 128), Number(options.value('-j') ?? 1)];
  if (size < leastAdded) return fail(1, 'bad journal size');
  const { size: all, used } = gfs2Room(world, image);
  if (all - used < added * size * 1024 ** 2) return fail(1, 'add_j: No space left on device');
  const journals = gfs2.journals + added;
  midway();
  world.state.gfs2[image] = { ...gfs2, journals, used: used + added * size * 1024 ** 2 };
  return ok(`Filesystem: ${at}\nOld journals: ${gfs2.journals}\nNew journals: ${journals}\n`);
};

/** blockdev(8) --flushbufs: nothing here is buffered. */
export const blockdev: Handler = ({ machine, args }) => {
  const [device = ''] = getopt(args, ['--flushbufs']).rest;
  return imageOf(machine, device) === undefined
    ? fail(1, `blockdev: cannot open ${device}: No such file or directory`)
    : ok();
};
