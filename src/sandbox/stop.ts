import { command } from '../model/change.ts';
import type { Chapter, Step } from '../model/step.ts';
import { firstBootPid } from './first-boot.ts';
import { type SandboxPaths, sandboxPaths } from './paths.ts';
import { runningPid } from './qemu.ts';

const on = 'local';

/** Powers dom0 off; QEMU ends with it. Guests that still run are cut off, as by a power failure. */
function stopped(paths: SandboxPaths): Step {
  return {
    kind: 'step',
    id: 'sandbox.stop',
    title: 'Power dom0 off',
    section: '',
    on,
    after: [],
    settle: { within: 60_000, hint: `end it by hand: kill $(cat ${paths.pid})` },
    async check({ host }) {
      // The second one is there if the very first boot was interrupted.
      const pids = await Promise.all([runningPid(host, paths), firstBootPid(host, paths)]);
      // SIGTERM is QEMU's orderly end: caches are written out; for dom0 it is a power failure, which XFS and ext4 survive.
      return pids.flatMap((pid) => (pid === undefined ? [] : [command(['kill', '-TERM', String(pid)])]));
    },
  };
}

/** `lab sandbox down`. */
export function sandboxDown(lab: string): Chapter {
  return { id: 'sandbox', title: 'Stop the sandbox', nodes: [stopped(sandboxPaths(lab))] };
}

/** `lab sandbox destroy`: nothing of this sandbox is left. The images stay in the cache for the next one. */
export function sandboxDestroyed(lab: string): Chapter {
  const paths = sandboxPaths(lab);
  const stop = stopped(paths);
  const gone: Step = {
    kind: 'step',
    id: 'sandbox.destroy',
    title: `Remove ${paths.state}`,
    section: '',
    on,
    after: [stop],
    async check({ host }) {
      return (await host.stat(paths.state))
        ? [
            command(['rm', '-rf', '--one-file-system', paths.state], {
              destroys: `the sandbox of ${lab}, with all its guests`,
            }),
          ]
        : [];
    },
  };
  return { id: 'sandbox', title: 'Destroy the sandbox', nodes: [stop, gone] };
}
