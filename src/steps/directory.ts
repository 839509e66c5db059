import { command } from '../model/change.ts';
import { Refused } from '../model/errors.ts';
import type { Step } from '../model/step.ts';
import type { Placed } from './file-content.ts';

/** A directory with this mode, e.g. 0o700 for one that holds keys. */
export function directory(placed: Placed, { path, mode }: { path: string; mode: number }): Step {
  const octal = `0${mode.toString(8)}`;
  return {
    kind: 'step',
    ...placed,
    async check({ host }) {
      const stat = await host.stat(path);
      if (!stat) return [command(['install', '-d', '-m', octal, path])];
      if (stat.kind !== 'directory') throw new Refused(`${path} is a ${stat.kind}, not a directory`, 'move it away');
      return stat.mode === mode ? [] : [command(['chmod', octal, path])];
    },
  };
}
