import { createHash } from 'node:crypto';
import { type Change, command, file } from '../model/change.ts';
import { Refused } from '../model/errors.ts';
import type { FileReader, Reader } from '../model/host.ts';
import type { Look, Step } from '../model/step.ts';
import { type Placed, textOf } from './file-content.ts';

/** A file inside a guest, owned by root. */
export type GuestFile =
  /** With this text. */
  | { readonly path: string; readonly mode: number; readonly text: string }
  /** A copy of a file of dom0, made there: for secrets. */
  | { readonly path: string; readonly mode: number; readonly from: string }
  /** Not there. */
  | { readonly path: string; readonly absent: true };

/**
 * Files on the disk of a guest that is off: mounted on dom0, written, unmounted. While the guest runs its disk is left alone;
 * what it should hold is then checked inside the guest (guestHolds).
 * @throws Refused (from the check) when the image is attached to something else
 */
export function guestDisk(
  placed: Placed,
  {
    image,
    mount,
    files,
    isRunning,
  }: { image: string; mount: string; files: readonly GuestFile[]; isRunning(look: Look): Promise<boolean> },
): Step {
  return {
    kind: 'step',
    ...placed,
    async check(look): Promise<readonly Change[]> {
      const { host } = look;
      const [running, mounts, loops] = await Promise.all([
        isRunning(look),
        host.readFile('/proc/mounts'),
        host.read(['losetup', '-j', image]),
      ]);
      if (running) return [];
      // Left by a run that was killed: it is ours, and we go on in it.
      const mounted = textOf(mounts)?.includes(` ${mount} `) ?? false;
      if (!mounted && loops.stdout.trim() !== '') {
        throw new Refused(
          `${image} is attached to a loop device: ${loops.stdout.trim()}`,
          'detach it (umount, losetup -d), or wait for whoever uses it',
        );
      }
      const disk = mounted ? under(host, mount) : host.disk(image);
      const missing = (await Promise.all(files.map((wanted) => missingIn(disk, host, mount, wanted)))).flat();
      const unmount = command(['umount', mount]);
      if (missing.length === 0) return mounted ? [unmount] : [];
      const attach = mounted ? [] : [command(['mkdir', '-p', mount]), command(['mount', '-o', 'loop', image, mount])];
      return [...attach, ...missing, unmount];
    },
  };
}

/** Compares the files inside a running guest. @returns the paths that are not as they should be */
export async function wrongInGuest(
  guest: Reader,
  dom0: Reader,
  files: readonly GuestFile[],
): Promise<readonly string[]> {
  const missing = await Promise.all(files.map((wanted) => missingIn(guest, dom0, '', wanted)));
  return files.filter((_, n) => missing[n]?.length).map(({ path }) => path);
}

function under(host: Reader, root: string): FileReader {
  return {
    readFile: (path) => host.readFile(root + path),
    stat: (path) => host.stat(root + path),
    digest: (path) => host.digest(root + path),
  };
}

async function missingIn(disk: FileReader, dom0: Reader, root: string, wanted: GuestFile): Promise<readonly Change[]> {
  const path = root + wanted.path;
  if ('absent' in wanted) return (await disk.stat(wanted.path)) ? [command(['rm', '-f', path])] : [];
  const octal = `0${wanted.mode.toString(8)}`;
  if ('from' in wanted) {
    const [stat, digest, source] = await Promise.all([
      disk.stat(wanted.path),
      disk.digest(wanted.path),
      dom0.digest(wanted.from),
    ]);
    const same = digest !== undefined && digest === source && stat?.mode === wanted.mode;
    return same ? [] : [command(['install', '-D', '-o', 'root', '-g', 'root', '-m', octal, wanted.from, path])];
  }
  const [stat, digest] = await Promise.all([disk.stat(wanted.path), disk.digest(wanted.path)]);
  const same = digest === createHash('sha256').update(wanted.text).digest('hex') && stat?.mode === wanted.mode;
  // The bytes are only needed to show what changes.
  return same ? [] : [file(path, wanted.mode, wanted.text, await disk.readFile(wanted.path))];
}
