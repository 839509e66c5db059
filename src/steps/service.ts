import { command, wait } from '../model/change.ts';
import type { Reader } from '../model/host.ts';
import type { Settle, Step } from '../model/step.ts';
import type { Placed } from './file-content.ts';

/** What systemd says of a unit. */
export interface UnitState {
  /** `ActiveState`: active, activating, inactive, failed … (org.freedesktop.systemd1(5)). */
  readonly active: string;
  /** Its files changed since systemd read them. */
  readonly reload: boolean;
  /** When its main process started (s since 1970); 0: never. */
  readonly started: number;
}

/** One look at a unit, the same for all who ask: a process of systemctl(1) is what costs, not how much it tells. */
export async function unitState(host: Reader, unit: string): Promise<UnitState> {
  const properties = ['ActiveState', 'NeedDaemonReload', 'ExecMainStartTimestamp'].flatMap((name) => ['-p', name]);
  const { stdout } = await host.read(['systemctl', 'show', ...properties, '--timestamp=unix', unit]);
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1] ?? '';
  return {
    active: value('ActiveState'),
    reload: value('NeedDaemonReload') === 'yes',
    started: Number(/@(\d+)/.exec(value('ExecMainStartTimestamp'))?.[1] ?? 0),
  };
}

/**
 * A systemd service that runs, or does not.
 * `staleAfter`: files; a service started before one of them was last written is restarted, since it has not read it.
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
    foreseen: running ? [command(['systemctl', 'start', unit])] : [],
    async check({ host }) {
      const [{ active, started }, written] = await Promise.all([unitState(host, unit), lastWritten(host, staleAfter)]);
      if (!running) return ['inactive', 'failed', ''].includes(active) ? [] : [command(['systemctl', 'stop', unit])];
      if (active === 'activating') return [wait(`wait for ${unit}`)];
      if (active !== 'active') return [command(['systemctl', 'start', unit])];
      return written > started ? [command(['systemctl', 'restart', unit])] : [];
    },
  };
}

/** When the newest of some files was written (s since 1970); 0 if there is none. */
async function lastWritten(host: Reader, files: readonly string[]): Promise<number> {
  if (files.length === 0) return 0;
  const { stdout } = await host.read(['stat', '-c', '%Y', ...files]);
  return Math.max(0, ...stdout.split('\n').filter(Boolean).map(Number));
}
