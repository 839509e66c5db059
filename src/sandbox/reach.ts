import { NotYet, Unreachable } from '../model/errors.ts';
import type { Hosts, Reader } from '../model/host.ts';
import { hostKeyAlias, sandboxPaths } from './paths.ts';
import { runningPid } from './qemu.ts';

/** How ssh gets into a sandbox's dom0. @throws NotYet while it does not run */
export async function sandboxLogin(local: Reader, lab: string) {
  const paths = sandboxPaths(lab);
  const [pid, port] = await Promise.all([runningPid(local, paths), local.readFile(paths.port)]);
  if (pid === undefined || port === undefined)
    throw new NotYet('sandbox.run', 'the sandbox does not run: lab sandbox up');
  return {
    destination: 'root@127.0.0.1',
    port: Number(new TextDecoder().decode(port)),
    options: [
      ...['-F', '/dev/null', '-i', paths.loginKey, '-o', 'IdentitiesOnly=yes', '-o', 'KexAlgorithms=curve25519-sha256'],
      // An emulated dom0 that is busy with its guests takes its time.
      ...['-o', 'ConnectTimeout=60'],
      ...['-o', `HostKeyAlias=${hostKeyAlias}`, '-o', `UserKnownHostsFile=${paths.knownHosts}`],
      ...['-o', 'GlobalKnownHostsFile=/dev/null', '-o', 'StrictHostKeyChecking=yes'],
    ],
  };
}

/** How long dom0 takes to boot on the reference machine (ms): 25 s (2 cores, no KVM). */
const referenceBoot = 25_000;

/**
 * How slow this machine is: how long its dom0 took to boot, against the reference. systemd tells when the boot was finished. It may
 * have been another day, and the machine quiet: it is never taken to be faster than a busy one usually is.
 */
export function sandboxSlowness(hosts: Hosts): () => Promise<number> {
  const usual = 3;
  let measured: number | undefined;
  return async () => {
    if (measured !== undefined) return measured;
    try {
      const { stdout } = await hosts
        .host('dom0')
        .read(['systemctl', 'show', '-p', 'FinishTimestampMonotonic', '--value']);
      const boot = Number(stdout.trim()) / 1000;
      if (boot > 0) measured = Math.max(usual, boot / referenceBoot);
    } catch (error) {
      if (!(error instanceof NotYet) && !(error instanceof Unreachable)) throw error;
    }
    return measured ?? usual;
  };
}
