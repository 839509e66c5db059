import { storageIds } from '../formats/cib-storage.ts';
import { type Change, command, wait } from '../model/change.ts';
import { Refused } from '../model/errors.ts';
import type { Ran } from '../model/host.ts';
import type { Node, Step } from '../model/step.ts';
import { firstGuest, type Lab, type Storage } from '../spec/lab.ts';
import { textOf } from '../steps/file-content.ts';

const section = "That's it!";
const MiB = 1024 ** 2;

/** MiB of a journal that is added: the least that gfs2_jadd(8) makes (gfs2-utils 3.5.0: less is a `bad journal size`, though mkfs makes them of 8). */
const journalSize = 32;

/**
 * A journal for each guest: mkfs made one for each that there was then. gfs2_jadd(8) adds them where the file system is mounted;
 * before a new guest joins (chapter 9), whose mount would fail, or after it failed (chapter 10), and is then tried again. How many
 * there are: gfs2_edit(8) -p jindex. Without the room for them nothing is begun.
 */
export function journalsFor(
  lab: Lab,
  storage: Storage,
  id: '9.journals' | '10.journals',
  after: readonly Node[],
): Step {
  const { name } = firstGuest(lab);
  const device = `/dev/${storage.disk.device}`;
  return {
    kind: 'step',
    id,
    title: 'Have a journal for each guest',
    section,
    on: name,
    after,
    settle: {
      within: 180_000,
      hint: `add them where it is mounted: lab ssh ${name} -- gfs2_jadd -j 1 -J ${journalSize} ${storage.directory}`,
    },
    async check({ host }) {
      const [found, index, mounts, space] = await Promise.all([
        host.read(['blkid', '-p', '-o', 'export', device]),
        host.read(['gfs2_edit', '-p', 'jindex', device]),
        host.readFile('/proc/mounts'),
        host.read(['df', '-P', '-B1', storage.directory]),
      ]);
      // Another file system, or none yet, is 10.file-system's business.
      if (!found.stdout.includes(`LABEL=${storage.table}\n`)) return [];
      const journals = new Set(index.stdout.match(/\bjournal\d+\b/g)).size;
      const missing = lab.guests.length - journals;
      if (index.code !== 0 || missing <= 0) return [];
      if (!textOf(mounts)?.includes(` ${storage.directory} gfs2 `))
        return id === '9.journals' ? [] : [wait(`wait for ${name} to mount it`)];
      const added = journalsAdded(lab, storage, journals, space);
      const again = command(['crm_resource', '--cleanup', '--resource', storageIds.fileSystem]);
      return id === '9.journals' ? added : [...added, again];
    },
  };
}

/**
 * The changes that add the missing journals where the file system is mounted. Who counts them reads the device, past the file
 * system: so what the kernel still holds is written out.
 * @param journals how many there are
 * @param space what `df -P -B1` says of its directory
 * @throws Refused without the room for them
 */
export function journalsAdded(
  { guests }: Lab,
  { directory, disk: { name, device } }: Storage,
  journals: number,
  space: Ran,
): readonly Change[] {
  const missing = guests.length - journals;
  const available = Number(space.stdout.split('\n')[1]?.split(/\s+/)[3]);
  if (available < missing * journalSize * MiB)
    throw new Refused(
      `${missing === 1 ? 'one more journal takes' : `${missing} more journals take`} ${missing * journalSize} MiB, and ${directory} has ${Math.floor(available / MiB)} MiB free`,
      `make room below ${directory}; or lab destroy, and a larger disks.${name} in lab.yaml`,
    );
  return [
    command(['gfs2_jadd', '-j', String(missing), '-J', String(journalSize), directory], {
      why: `gfs2_jadd -j ${missing} -J ${journalSize} ${directory}  (${journals} journals for ${guests.length} guests)`,
    }),
    command(['sync']),
    command(['blockdev', '--flushbufs', `/dev/${device}`]),
  ];
}
