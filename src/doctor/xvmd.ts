import { daemonArgv } from '../fencing/xvmd-options.ts';
import { daemonPid, isForeground } from '../fencing/xvmd-process.ts';
import type { Lab } from '../spec/lab.ts';
import { textOf } from '../steps/file-content.ts';
import { broken, chaptersAgain, type Cure, holds, type Probe, probe } from './probe.ts';

export const xvmdAgain: Cure = chaptersAgain('start it as lab does', '7');

/** Does fence_xvmd run, in the background, with the options that lab gives it? */
export const xvmdRuns = (lab: Lab): Probe =>
  probe('fence_xvmd', async (look) => {
    const dom0 = look.on('dom0');
    const pid = await daemonPid(dom0);
    if (pid === undefined) {
      return broken('it does not run', {
        name: 'fence_xvmd-stopped',
        says: 'fence_xvmd does not run on dom0 (without -L it also waits for a quorate cluster of dom0)',
        cure: xvmdAgain,
      });
    }
    if (await isForeground(dom0, pid)) {
      return broken(`process ${pid} runs in the foreground`, {
        name: 'fence_xvmd-in-foreground',
        says: 'fence_xvmd was left in the foreground by a test: it ends with its terminal',
        cure: xvmdAgain,
      });
    }
    const [cmdline, wanted] = await Promise.all([dom0.readFile(`/proc/${pid}/cmdline`), daemonArgv(dom0, lab)]);
    const words = (textOf(cmdline) ?? '').split('\0').filter(Boolean).slice(1);
    const lacking = pairsOf(wanted.slice(1)).filter((pair) => !` ${words.join(' ')} `.includes(` ${pair} `));
    if (lacking.length === 0)
      return holds(`fence_xvmd ${words.join(' ')}`.trimEnd(), 'somebody is there to hear a request');
    return broken(`fence_xvmd ${words.join(' ')}`, {
      name: 'listens-elsewhere',
      number: 6,
      says: `fence_xvmd was started without ${lacking.join(' and ')}`,
      cure: {
        says: 'end it, and start it as lab does',
        command: 'killall fence_xvmd; fence_xvmd ' + wanted.slice(1).join(' '),
        where: 'dom0',
      },
    });
  });

/** `-I xenbr0 -U xen:///`: options with their values. */
function pairsOf(words: readonly string[]): readonly string[] {
  return words
    .join(' ')
    .split(/ (?=-)/)
    .filter((pair) => /^-\w \S/.test(pair));
}
