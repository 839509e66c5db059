import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { BadUsage, fail, getopt, type Handler, ok } from './call.ts';
import { clusterOf } from './cluster.ts';
import { guestsOf, imageOf } from './guests.ts';
import { isRedHat } from './red-hat/release.ts';
import type { World } from './world.ts';

/** blkid(8) -p -o export: 2 and not a word where it finds nothing (measured). */
export const blkid: Handler = ({ world, machine, args }) => {
  const options = getopt(args, ['-p'], ['-o']);
  const [device = ''] = options.rest;
  if (!options.has('-p') || options.value('-o') !== 'export') throw new BadUsage('simulated with -p -o export only');
  const image = imageOf(machine, device);
  if (image === undefined) return fail(2, `blkid: error: ${device}: No such file or directory`);
  const gfs2 = world.state.gfs2[image];
  if (gfs2)
    return ok(
      `DEVNAME=${device}\nLABEL=${gfs2.table}\nUUID=${gfs2.uuid}\nVERSION=1\nBLOCK_SIZE=4096\nTYPE=gfs2\nUSAGE=filesystem\n`,
    );
  if (world.images.treeOf(image) !== undefined)
    return ok(`DEVNAME=${device}\nUUID=6c3d0b1e-0000-4000-8000-000000000001\nTYPE=ext4\nUSAGE=filesystem\n`);
  return { code: 2 };
};

/** What mkfs.gfs2 3.5 needs: 2 journals fit into 40 MiB, and 16 into 300 (measured). */
export const least = (journals: number) => (8 + 16 * journals) * 1024 ** 2;

/** mkfs.gfs2(8). */
export const mkfsGfs2: Handler = ({ world, machine, args, midway }) => {
  const options = getopt(args, ['-O'], ['-p', '-t', '-j']);
  const [device = ''] = options.rest;
  const [table = '', journals] = [options.value('-t'), Number(options.value('-j') ?? 1)];
  const image = imageOf(machine, device);
  if (image === undefined) return fail(255, `Error: '${device}': No such file or directory`);
  if (!options.has('-O')) return fail(255, 'Aborted.', 'Are you sure you want to proceed? [y/n]');
  if (!/^[A-Za-z0-9_-]{1,32}:[A-Za-z0-9_-]{1,30}$/.test(table)) return fail(255, `Invalid lock table name`);
  if (guestsOf(world).some(({ running }) => running?.mounts?.some((at) => at.image === image)))
    return fail(255, `Error: '${device}': Device or resource busy`);
  const { tree } = world.dom0;
  if ((tree.stat(image)?.size ?? 0) < least(journals)) return fail(255, 'gfs2 will not fit on this device.');
  midway();
  world.images.clear(image);
  mkdirSync(world.images.homeOf(image), { recursive: true });
  world.state.gfs2[image] = { table, journals, uuid: randomUUID() };
  return ok(
    `Device:                    ${device}\nJournals:                  ${journals}\nLock table:                "${table}"\n`,
  );
};

/** What the cluster has mounted by now, and what it has let go of: worked out whenever time has passed. */
export function settleMounts(world: World): void {
  if (Object.keys(world.state.gfs2).length === 0) return;
  const machines = guestsOf(world);
  for (const guest of machines) {
    const { running } = guest;
    // Red Hat's init script mounts when it is called.
    if (!running || isRedHat(guest.tree)) continue;
    const cluster = clusterOf(world, guest);
    const wanted = cluster?.fileSystems(guest) ?? [];
    const found = wanted.flatMap(({ device, directory }) => {
      const image = imageOf(guest, device);
      const gfs2 = image === undefined ? undefined : world.state.gfs2[image];
      const own = gfs2?.table.startsWith(`${cluster?.name}:`);
      if (image === undefined || !gfs2 || !own) return [];
      // Each mount needs a journal. One that found none has failed, and pacemaker does not try again before crm_resource --cleanup.
      const others = machines.filter(
        (other) => other.name !== guest.name && other.running?.mounts?.some((mount) => mount.image === image),
      );
      if (running.mounts?.some((mount) => mount.image === image)) return [{ image, at: directory }];
      if (running.mountFailed || others.length >= gfs2.journals) {
        running.mountFailed = true;
        return [];
      }
      return [{ image, at: directory }];
    });
    if (wanted.length === 0) delete running.mountFailed;
    if (found.length > 0) running.mounts = found;
    else delete running.mounts;
  }
}
