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
  /** systemd has it in memory. One that neither runs nor is enabled is read when it is started (systemd.unit(5), CollectMode). */
  readonly inMemory: boolean;
  /** When its main process started (s since 1970, to the millisecond); 0: never. */
  readonly started: number;
}

/** One look at a unit, the same for all who ask: a process of systemctl(1) is what costs, not how much it tells. */
export async function unitState(host: Reader, unit: string): Promise<UnitState> {
  const properties = ['ActiveState', 'UnitFileState', 'NeedDaemonReload', 'ExecMainStartTimestamp'].flatMap((name) => [
    '-p',
    name,
  ]);
  const { stdout } = await host.read(['systemctl', 'show', ...properties, '--timestamp=us+utc', unit]);
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1] ?? '';
  const active = value('ActiveState');
  return {
    active,
    inMemory: active !== 'inactive' || value('UnitFileState') === 'enabled',
    reload: value('NeedDaemonReload') === 'yes',
    started: secondsOf(value('ExecMainStartTimestamp')),
  };
}

/** `Mon 2026-11-23 02:43:33.123456 UTC` (systemctl(1), --timestamp=us+utc): s since 1970; 0 where there is none. */
function secondsOf(stamp: string): number {
  const [, day, time] = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) UTC/.exec(stamp) ?? [];
  return day === undefined ? 0 : Date.parse(`${day}T${time}Z`) / 1000;
}

/**
 * A systemd service that runs, or does not.
 * `staleAfter`: files; a service started before one of them was last written is restarted, since it has not read it.
 * One whose time is in the future (the clock was set back) would be newer than any start: it is made as new as now first.
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
      const stats = Promise.all(
        staleAfter.map(async (path) => ({ path, modified: (await host.stat(path))?.modified ?? 0 })),
      );
      const [{ active, started }, files] = await Promise.all([unitState(host, unit), stats]);
      if (!running) return ['inactive', 'failed', ''].includes(active) ? [] : [command(['systemctl', 'stop', unit])];
      if (active === 'activating') return [wait(`wait for ${unit}`)];
      if (active !== 'active') return [command(['systemctl', 'start', unit])];
      const newer = files.filter(({ modified }) => modified > started);
      if (newer.length === 0) return [];
      const now = Number((await host.read(['date', '+%s'])).stdout);
      // One that this plan will write has no time yet.
      const ahead = newer.filter(({ modified }) => modified > now + 1 && modified !== Infinity);
      const why = 'its time is in the future: the clock was set back';
      return [
        ...(ahead.length > 0 ? [command(['touch', '-c', ...ahead.map(({ path }) => path)], { why })] : []),
        command(['systemctl', 'restart', unit]),
      ];
    },
  };
}
