import { type Change, command, file } from '../model/change.ts';
import { NotYet, Refused } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Look, Node, Step } from '../model/step.ts';
import { firstGuest, type Guest, type Lab, type Storage } from '../spec/lab.ts';
import { textOf } from '../steps/file-content.ts';
import type { Stack } from './stack.ts';
import { gfs2Uuid, makeGfs2, onDisk } from './gfs2.ts';
import { journalsAdded } from './gfs2-journals.ts';
import { storageProof } from './storage-proof.ts';

const section = "That's it!";
const fstab = '/etc/fstab';
/** Made when all is mounted, and only where it is does the script unmount before cman stops, when the guest shuts down. */
const lockFile = '/var/lock/subsys/gfs2';

/**
 * "Now you can make a GFS file system on /dev/xvdc and mount it from both nodes", as one did on Red Hat up to 6: mkfs.gfs2, a line
 * in /etc/fstab, and the init script gfs2, which mounts all lines of that type (gfs2/init.d/gfs2.in of the cluster project).
 */
export function cmanStorage(lab: Lab, storage: Storage, after: readonly Node[]): readonly Node[] {
  const first = firstGuest(lab);
  const device = `/dev/${storage.disk.device}`;
  const made: Step = {
    kind: 'step',
    id: '10.file-system',
    title: `Make a GFS2 on ${device}`,
    section,
    on: first.name,
    after,
    foreseen: [makeGfs2(lab, storage, device)],
    check: (look) => missingFileSystem(look, lab, storage, device),
  };
  const listed = lab.guests.map((guest) => fstabLine(guest, storage, device, [made]));
  const onFirst = mountedOn(first, storage, device, listed);
  const journals = journalsThere(lab, storage, device, onFirst);
  const others = lab.guests.filter((guest) => guest !== first);
  const mounted = [onFirst, ...others.map((guest) => mountedOn(guest, storage, device, [journals]))];
  return [made, ...listed, onFirst, journals, ...mounted.slice(1), storageProof(lab, storage, mounted, gfs2Uuid)];
}

/** A journal for each guest: mkfs.gfs2 made one for each that there was then; gfs2_jadd(8) wants it mounted, and a mount its journal. */
function journalsThere(lab: Lab, storage: Storage, device: string, mounted: Step): Step {
  return {
    kind: 'step',
    id: '10.journals',
    title: 'Have a journal for each guest',
    section,
    on: firstGuest(lab).name,
    after: [mounted],
    async check({ host }) {
      const [found, mounts, space] = await Promise.all([
        onDisk(host, device, storage.disk.bytes),
        mountsOf(host),
        host.read(['df', '-P', '-B1', storage.directory]),
      ]);
      // None yet, or another one, is 10.file-system's business.
      if (found.is !== 'gfs2' || found.table !== storage.table || found.journals === undefined) return [];
      if (found.journals >= lab.guests.length) return [];
      if (!mounts.some(([, at, type]) => at === storage.directory && type === 'gfs2')) throw new NotYet(mounted.id);
      return journalsAdded(lab, storage, found.journals, space);
    },
  };
}

/**
 * Never a mkfs over anything. A GFS2 of our lock table is adopted.
 * @throws Refused for whatever else is there
 */
async function missingFileSystem(look: Look, lab: Lab, storage: Storage, device: string): Promise<readonly Change[]> {
  const { host } = look;
  const found = await onDisk(host, device, storage.disk.bytes);
  const { guests } = lab;
  if (found.is === 'something else') {
    throw new Refused(
      `${device} holds something else than a GFS2`,
      `look at it: lab ssh ${host.name} -- file -s ${device}; storage: none in lab.yaml leaves the disk alone`,
    );
  }
  if (found.is === 'gfs2' && found.table !== storage.table) {
    throw new Refused(
      `the GFS2 on ${device} has the lock table ${found.table}, not ${storage.table}: the cluster could not mount it`,
      `its first half must be the cluster's name. To take it over: gfs2_tool sb ${device} table ${storage.table} on one guest`,
    );
  }
  if (found.is === 'gfs2' && found.journals !== undefined) return [];
  // mkfs.gfs2 sees what its own host has mounted; another one could have something on it too.
  const mounts = await Promise.all(guests.map(({ name }) => mountsOf(look.on(name))));
  const busy = mounts.findIndex((lines) => lines.some(([from = '']) => from.startsWith(device)));
  const at = guests[busy]?.name;
  if (at !== undefined)
    throw new Refused(`${device} is mounted on ${at}`, `unmount it: lab ssh ${at} -- umount ${device}`);
  return [makeGfs2(lab, storage, device, found.is === 'gfs2' ? 'where an earlier one was cut short' : undefined)];
}

/**
 * The directory, and the line that its users wrote. Without `_netdev`: rc.sysinit passes over gfs2 by its type, and netfs would
 * mount it at every boot, while cman is off.
 */
function fstabLine({ name }: Guest, { directory }: Storage, device: string, after: readonly Node[]): Step {
  return {
    kind: 'step',
    id: `10.fstab-${name}`,
    title: `Write ${device} and ${directory} into ${fstab} on ${name}`,
    section,
    on: name,
    after,
    foreseen: [command(['mkdir', '-p', directory])],
    async check({ host }) {
      const [bytes, stat] = await Promise.all([host.readFile(fstab), host.stat(directory)]);
      const text = textOf(bytes) ?? '';
      const made = stat?.kind === 'directory' ? [] : [command(['mkdir', '-p', directory])];
      const own = fieldsOf(text).find(([, at]) => at === directory);
      if (own) {
        const [from, , type, options = ''] = own;
        if (from === device && type === 'gfs2' && !options.includes('noauto')) return made;
        throw new Refused(
          `${fstab} on ${name} has another line for ${directory}: ${own.join(' ')}`,
          `take it out, or name another directory in lab.yaml; lab's would be: ${device} ${directory} gfs2`,
        );
      }
      const line = `${device} ${directory} gfs2 defaults,noatime,nodiratime 0 0\n`;
      return [...made, file(fstab, 0o644, `${text.replace(/(?<=[^\n])$/, '\n')}${line}`, bytes)];
    },
  };
}

/** The script ends with 0 whatever mount says, and so does its status: /proc/mounts tells. */
function mountedOn({ name }: Guest, { directory }: Storage, device: string, after: readonly Node[]): Step {
  const start = command(['service', 'gfs2', 'start'], { timeout: 120_000 });
  return {
    kind: 'step',
    id: `10.mounted-${name}`,
    title: `Mount ${directory} on ${name}`,
    section,
    on: name,
    after,
    foreseen: [start],
    settle: {
      within: 5000,
      hint: `see what it says: lab ssh ${name} -- mount -a -t gfs2`,
      diagnose: async ({ host }) => (await host.read(['tail', '-n', '5', '/var/log/messages'])).stdout.split('\n'),
    },
    async check({ host }) {
      const [lines, lock] = await Promise.all([mountsOf(host), host.stat(lockFile)]);
      const there = lines.findLast(([, at]) => at === directory);
      if (there && (there[0] !== device || there[2] !== 'gfs2')) {
        const says = `${directory} on ${name} is taken: ${there[0]} is mounted there`;
        throw new Refused(says, `unmount it: lab ssh ${name} -- umount ${directory}`);
      }
      return there && lock ? [] : [start];
    },
  };
}

/** The disk is let go of before cman stops: it does not leave the cluster while a GFS2 is mounted. */
export function gfs2Stopped(
  lab: Parameters<Stack['stop']>[0],
  { isRunning }: Parameters<Stack['stop']>[1],
  after: readonly Node[],
): readonly Step[] {
  return lab.guests.map((guest) => ({
    kind: 'step',
    id: `down.gfs2-${guest.name}`,
    title: `Unmount the shared disk on ${guest.name}`,
    section: '',
    on: guest.name,
    after,
    settle: { within: 5000, hint: `see what is mounted, and who uses it: lab ssh ${guest.name} -- lsof /dev/xvd?` },
    async check(look) {
      if (!(await isRunning({ ...look, host: look.on('dom0') }, guest))) return [];
      const mounted = (await mountsOf(look.host)).some(([, , type]) => type === 'gfs2');
      return mounted ? [command(['service', 'gfs2', 'stop'], { timeout: 300_000 })] : [];
    },
  }));
}

/** Device, directory, type and options of what is mounted (proc(5)). */
async function mountsOf(host: Reader): Promise<readonly (readonly string[])[]> {
  return fieldsOf(textOf(await host.readFile('/proc/mounts')) ?? '');
}

/** The fields of a table like fstab(5), without its comments. */
function fieldsOf(text: string): readonly (readonly string[])[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(/\s+/));
}
