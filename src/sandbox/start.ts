import { quoteWord } from '../hosts/quote.ts';
import { type Change, command, wait } from '../model/change.ts';
import { NotYet, Unreachable } from '../model/errors.ts';
import type { Look, Step } from '../model/step.ts';
import { type Placed, textOf } from '../steps/file-content.ts';
import { dom0Of } from './dom0-image.ts';
import { type First, machineNow } from './first-boot.ts';
import { firstPort } from './port.ts';
import { qemu, runningPid } from './qemu.ts';
import { untilBooted } from './serial.ts';

/** dom0 runs, and answers. A new one goes on from where the very first one was saved; from then on it boots. */
export function started(placed: Placed, { lab, ...first }: First & { readonly lab: string }): Step {
  const { paths } = first;
  return {
    kind: 'step',
    ...placed,
    provides: 'dom0',
    settle: untilBooted(paths.serial),
    async check(look): Promise<readonly Change[]> {
      if ((await runningPid(look.host, paths)) !== undefined) return answers(look);
      const [built, chosen, resume, { machine, saved }] = await Promise.all([
        dom0Of(look.host, paths, first.built),
        look.host.readFile(paths.port),
        look.host.readFile(paths.resume),
        machineNow(look.host, first),
      ]);
      const boot = qemu(paths, built, { ...machine, port: Number(textOf(chosen) ?? firstPort(lab)) });
      if (textOf(resume)?.trimEnd() !== saved.state) return [command(boot, { outlives: true })];
      // Once: from then on its disks are not those that were saved. If it fails, the next start is an ordinary boot.
      return [
        command(['rm', paths.resume]),
        command([...boot, '-incoming', `exec:cat ${quoteWord(saved.state)}`], { outlives: true }),
      ];
    },
  };
}

async function answers(look: Look): Promise<readonly Change[]> {
  const waiting = wait('wait for dom0 to boot');
  try {
    const { stdout } = await look.on('dom0').read(['systemctl', 'is-system-running']);
    return ['running', 'degraded'].includes(stdout.trim()) ? [] : [waiting];
  } catch (error) {
    if (error instanceof Unreachable || error instanceof NotYet) return [waiting];
    throw error;
  }
}
