import { createHash } from 'node:crypto';
import { command } from '../model/change.ts';
import { Refused } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Step } from '../model/step.ts';
import type { Placed } from './file-content.ts';

/** Debian packages that are installed. Only root can install; anybody else is told the one command to type. */
export function packages(placed: Placed, names: readonly string[]): Step {
  return {
    kind: 'step',
    ...placed,
    async check({ host }) {
      const format = '${Package} ${db:Status-Status}\n';
      const found = await host.read(['dpkg-query', '-W', '-f', format, ...names]);
      if (found.code === 127) {
        throw new Refused(
          `${host.name} has no dpkg: lab installs packages on Debian only`,
          `install there: ${names.join(' ')}`,
        );
      }
      const installed = new Set(found.stdout.split('\n').filter((line) => line.endsWith(' installed')));
      const missing = names.filter((name) => !installed.has(`${name} installed`));
      if (missing.length === 0) return [];
      // Somebody else's apt may be at work, another lab's among them: it is waited for (apt.conf(5), from 1.9.11).
      const patient = ['-o', 'DPkg::Lock::Timeout=300'] as const;
      const install = ['apt-get', 'install', '--yes', '--no-install-recommends', ...patient, ...missing] as const;
      if ((await host.read(['id', '-u'])).stdout.trim() !== '0') {
        throw new Refused(`missing on ${host.name}: ${missing.join(' ')}`, `type: sudo ${install.join(' ')}`);
      }
      return [
        command(['apt-get', 'update', '--quiet']),
        command(['env', 'DEBIAN_FRONTEND=noninteractive', ...install], { timeout: 1_800_000 }),
      ];
    },
  };
}

/**
 * Whether a configuration file with these bytes is as its Debian package brought it (dpkg-query(1), Conffiles: path and MD5);
 * `comes`: the package is not installed yet, and will bring it. What was read is judged: asked for its digest later, the file may
 * be another one, which another `lab` is writing.
 */
export async function fromPackage(
  host: Reader,
  { name, path }: { readonly name: string; readonly path: string },
  bytes: Uint8Array | undefined,
): Promise<boolean | 'comes'> {
  const { stdout } = await host.read(['dpkg-query', '-W', '-f', '${db:Status-Status}\n${Conffiles}\n', name]);
  const known = stdout.split('\n').find((line) => line.trim().split(' ')[0] === path);
  // A package that is just being configured has brought its file already.
  if (bytes && known?.trim().split(' ')[1] === createHash('md5').update(bytes).digest('hex')) return true;
  return stdout.startsWith('installed\n') ? false : 'comes';
}
