import { BadUsage, fail, getopt, type Handler, ok } from '../call.ts';
import { rawBytes } from '../raw-disk.ts';
import { partitionsOf } from './layout.ts';

/** sfdisk(8) -d of util-linux 2.13: always four partitions. It complains of a file's geometry, and goes on. */
export const sfdisk: Handler = ({ world, machine: { tree, name }, args }) => {
  const [path, ...more] = getopt(args, ['-d']).rest;
  if (path === undefined || more.length > 0 || !args.includes('-d') || name !== 'dom0')
    throw new BadUsage('only `sfdisk -d FILE` is simulated, on dom0');
  const stat = tree.stat(path);
  if (!stat) return fail(1, `${path}: No such file or directory\n\nsfdisk: cannot open ${path} for reading`);
  const layout = world.images.layoutOf(path);
  const warning = `Disk ${path}: cannot get geometry\n`;
  if (layout === undefined || layout === 'whole')
    return ok(
      '',
      `${warning}sfdisk: ERROR: sector 0 does not have an msdos signature\n ${path}: unrecognized partition table type\nNo partitions found\n`,
    );
  const partitions = partitionsOf(layout, stat.size);
  const rows = [0, 1, 2, 3].map((n) => {
    const { start, size, id, bootable } = partitions[n] ?? { start: 0, size: 0, id: ' 0', bootable: false };
    const numbers = `start=${String(start).padStart(9)}, size=${String(size).padStart(9)}`;
    return `${`${path}${n + 1}`.padStart(9)} : ${numbers}, Id=${id}${bootable ? ', bootable' : ''}\n`;
  });
  return ok(`# partition table of ${path}\nunit: sectors\n\n${rows.join('')}`, warning);
};

/** od(1) -A n -t x1 -j N -N N FILE: a file of dom0, or a disk of a guest. */
export const od: Handler = ({ world, machine, args }) => {
  const options = getopt(args, ['-v'], ['-A', '-t', '-j', '-N']);
  const [path = ''] = options.rest;
  if (options.value('-A') !== 'n' || options.value('-t') !== 'x1')
    throw new BadUsage('only `od -A n -t x1 -j SKIP -N COUNT FILE` is simulated');
  const skip = Number(options.value('-j') ?? 0);
  const bytes = rawBytes(world, machine, path, skip, Number(options.value('-N') ?? 512));
  if (!bytes) return fail(1, `od: ${path}: No such file or directory`);
  if (bytes.length === 0 && skip > 0) return fail(1, 'od: cannot skip past end of combined input');
  const lines = bytes.toString('hex').match(/.{1,32}/g) ?? [];
  return ok(lines.map((line) => `${(line.match(/../g) ?? []).map((byte) => ` ${byte}`).join('')}\n`).join(''));
};
