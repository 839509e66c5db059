import { type Change, command } from '../model/change.ts';
import type { Step } from '../model/step.ts';
import type { Placed } from './file-content.ts';
import { mark, renamed } from './marks.ts';

/**
 * A key of random bytes, made where it stays. It is private from its first byte, and gets its name when it is whole;
 * an existing one is kept, whatever its bytes, and only its mode is mended.
 */
export function randomKey(
  placed: Placed,
  { path, bytes, mode, lab }: { path: string; bytes: number; mode: 0o400 | 0o600; lab: string },
): Step {
  const fresh = `${path}.new`;
  const octal = `0${mode.toString(8)}`;
  return {
    kind: 'step',
    ...placed,
    async check({ host }): Promise<readonly Change[]> {
      const stat = await host.stat(path);
      if (stat) return stat.mode === mode ? [] : [command(['chmod', octal, path])];
      return [
        // install(1) makes the file with this mode and its directories; dd then only fills it.
        command(['install', '-D', '-m', '0600', '/dev/null', fresh]),
        command(['dd', 'if=/dev/urandom', `of=${fresh}`, `bs=${bytes}`, 'count=1', 'conv=notrunc,fsync']),
        mark(fresh, lab),
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
  return {
    kind: 'step',
    ...placed,
    async check({ host }): Promise<readonly Change[]> {
      const key = await host.stat(path);
      if (key) return key.mode === 0o600 ? [] : [command(['chmod', '0600', path])];
      return [
        command(['rm', '-f', fresh, `${fresh}.pub`]),
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
