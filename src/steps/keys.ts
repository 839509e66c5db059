import { type Change, command } from '../model/change.ts';
import type { Step } from '../model/step.ts';
import type { Placed } from './file-content.ts';
import { directoryOf, foreign, madeDirectory, mark, markOn, type Owner, owned, renamed, unfinished } from './marks.ts';

/**
 * A key of random bytes, made where it stays. It is private from its first byte, and gets its name when it is whole;
 * an existing one is kept, whatever its bytes. One that lab did not make is used as it is: not even its mode is mended.
 * @throws Foreign (from the check) for the key of another lab, and for a key of somebody that others can read
 */
export function randomKey(
  placed: Placed,
  { path, bytes, mode, owner }: { path: string; bytes: number; mode: 0o400 | 0o600; owner: Owner },
): Step {
  const fresh = unfinished(path, owner.name);
  const octal = `0${mode.toString(8)}`;
  return {
    kind: 'step',
    ...placed,
    async check({ host }): Promise<readonly Change[]> {
      const [stat, whose] = await Promise.all([host.stat(path), markOn(host, path)]);
      const mended = stat?.mode === mode ? [] : [command(['chmod', octal, path])];
      if (stat && whose === undefined && mended.length === 0 && !owner.adopt?.includes(path)) return [];
      if (stat && stat.kind !== 'file') throw foreign(path, whose, path);
      if (stat) return [...(await owned(host, path, owner)), ...mended];
      return [
        ...(await madeDirectory(host, directoryOf(path), owner.name)),
        // install(1) makes the file with this mode and its directories; dd then only fills it.
        command(['install', '-D', '-m', '0600', '/dev/null', fresh]),
        command(['dd', 'if=/dev/urandom', `of=${fresh}`, `bs=${bytes}`, 'count=1', 'conv=notrunc,fsync']),
        mark(fresh, owner.name),
        command(['chmod', octal, fresh]),
        renamed(fresh, path),
      ];
    },
  };
}

/** A key pair (ssh-keygen(1)), without passphrase, in a directory that is there. The private half gets its name last: if it is there, both are. */
export function sshKeyPair(
  placed: Placed,
  { path, comment, type }: { path: string; comment: string; type: 'ed25519' | 'rsa' },
): Step {
  const fresh = `${path}.new`;
  const halves = [fresh, `${fresh}.pub`];
  return {
    kind: 'step',
    ...placed,
    async check({ host }): Promise<readonly Change[]> {
      const [key, ...left] = await Promise.all([path, ...halves].map((half) => host.stat(half)));
      if (key) return key.mode === 0o600 ? [] : [command(['chmod', '0600', path])];
      return [
        // Of a run that was cut short: ssh-keygen would ask.
        ...(left.some(Boolean) ? [command(['rm', '-f', ...halves])] : []),
        command([
          'ssh-keygen',
          '-q',
          '-t',
          type,
          ...(type === 'rsa' ? ['-b', '2048'] : []),
          '-N',
          '',
          '-C',
          comment,
          '-f',
          fresh,
        ]),
        command(['mv', `${fresh}.pub`, `${path}.pub`]),
        command(['mv', fresh, path]),
      ];
    },
  };
}
