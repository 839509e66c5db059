import type { Step } from '../model/step.ts';
import type { Placed } from '../steps/file-content.ts';
import { requirement } from '../steps/requirement.ts';

/** RPM packages that are installed (rpm(8) -q). On an old system lab installs nothing: it names the command to type. */
export function rpms(placed: Placed, names: readonly string[]): Step {
  return requirement(placed, async ({ host }) => {
    const { code, stdout } = await host.read(['rpm', '-q', ...names]);
    if (code === 127) {
      return {
        says: `${host.name} has no rpm: toolstack xm is for the Red Hat systems of its day`,
        hint: 'a dom0 with xl needs toolstack libvirt: fence_virtd cannot see guests that xl made, and xl refuses the w! of shared disks',
      };
    }
    const missing = [...stdout.matchAll(/^package (\S+) is not installed$/gm)].map((match) => match[1]);
    if (missing.length === 0) return undefined;
    return {
      says: `missing on ${host.name}: ${missing.join(' ')}`,
      hint: `type there: yum install ${missing.join(' ')}`,
    };
  });
}
