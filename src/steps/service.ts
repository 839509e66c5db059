import { command } from '../model/change.ts';
import type { Settle, Step } from '../model/step.ts';
import type { Placed } from './file-content.ts';

/**
 * A systemd service that runs, or does not. systemctl(1): `is-active` prints one word.
 * `staleAfter`: a file; a service started before the file was last written is restarted, since it has not read it.
 */
export function service(
  placed: Placed,
  {
    unit,
    running,
    staleAfter = [],
    settle,
  }: { unit: string; running: boolean; staleAfter?: readonly string[]; settle?: Settle },
): Step {
  return {
    kind: 'step',
    ...placed,
    ...(settle ? { settle } : {}),
    async check({ host }) {
      const [active, stale] = await Promise.all([
        host.read(['systemctl', 'is-active', unit]),
        running && staleAfter.length > 0 ? startedBefore(host, unit, staleAfter) : false,
      ]);
      const state = active.stdout.trim();
      if (!running)
        return ['inactive', 'failed', 'unknown'].includes(state) ? [] : [command(['systemctl', 'stop', unit])];
      if (state === 'activating') return [{ is: 'act', says: `wait for ${unit}`, act: async () => {} }];
      if (state !== 'active') return [command(['systemctl', 'start', unit])];
      return stale ? [command(['systemctl', 'restart', unit])] : [];
    },
  };
}

/** Whether the service's main process is older than one of the files. */
async function startedBefore(
  host: Parameters<Step['check']>[0]['host'],
  unit: string,
  files: readonly string[],
): Promise<boolean> {
  const [show, ...times] = await Promise.all([
    host.read(['systemctl', 'show', '-p', 'ExecMainStartTimestamp', '--timestamp=unix', unit]),
    ...files.map((file) => host.read(['stat', '-c', '%Y', file])),
  ]);
  const started = Number(/@(\d+)/.exec(show.stdout)?.[1] ?? 0);
  return times.some(({ code, stdout }) => code === 0 && Number(stdout) > started);
}
