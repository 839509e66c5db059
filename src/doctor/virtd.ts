import { virtdOf } from '../fencing/virtd.ts';
import { command } from '../model/change.ts';
import { BadInput } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Lab } from '../spec/lab.ts';
import { textOf } from '../steps/file-content.ts';
import { unitState } from '../steps/service.ts';
import { keyMissingOnDom0 } from './keys.ts';
import { broken, type Cause, chaptersAgain, type Cure, holds, type Probe, probe } from './probe.ts';
import { asLabWritesIt, difference } from './virtd-difference.ts';

const noHypervisor = 'Could not connect to any hypervisors';

const systemctl = (lab: Lab, verb: 'start' | 'restart', says: string): Cure => {
  const { unit } = virtdOf(lab);
  return { says, command: `systemctl ${verb} ${unit}`, where: 'dom0', change: command(['systemctl', verb, unit]) };
};
/** The daemon reads configuration and key once, when it starts. */
export const again = (lab: Lab): Cure => systemctl(lab, 'restart', 'let it read anew');

/** Does fence_virtd run? If not, its last lines in the journal tell why. */
export const virtdRuns = (lab: Lab): Probe =>
  probe('fence_virtd', async (look) => {
    const dom0 = look.on('dom0');
    const { unit, conf: path } = virtdOf(lab);
    const [{ active }, installed, conf, log, kernel, key] = await Promise.all([
      unitState(dom0, unit),
      dom0.read(['systemctl', 'show', '-p', 'LoadState', unit]),
      dom0.readFile(path).then(textOf),
      dom0.read(['journalctl', '-u', unit, '-n', '30', '-o', 'cat', '--no-pager']),
      dom0.read(['journalctl', '-k', '-n', '200', '-o', 'cat', '--no-pager']),
      dom0.stat(lab.fencing.key),
    ]);
    const last = sinceStart(log.stdout);
    if (active === 'active' && !last.at(-1)?.includes(noHypervisor))
      return holds('it runs', 'somebody is there to hear a request');
    const told = last.filter((line) => !/systemd|^Started|^Starting|Failed with result/.test(line));
    const saw = `it is ${active || 'not there'}${active !== 'inactive' && told.length > 0 ? `; its last words: ${told.slice(-2).join(' / ')}` : ''}`;
    if (installed.stdout.includes('not-found') || (conf === undefined && active !== 'active')) {
      return broken(saw, {
        name: 'fence_virtd-not-set-up',
        says: 'fence_virtd is not set up on dom0 yet',
        cure: { says: 'lab up goes on from where it is', command: 'lab up' },
      });
    }
    const selinux = /avc:\s+denied.*comm="?fence_virtd"?.*/.exec(kernel.stdout)?.[0];
    if (selinux) return broken(selinux, seLinux);
    if (active === 'inactive') return broken(saw, stopped(lab));
    return broken(saw, causeOfDeath(lab, last.join('\n'), conf, key !== undefined));
  });

/** What was logged since it was started last: older failures are over. */
function sinceStart(journal: string): readonly string[] {
  const lines = journal.trimEnd().split('\n');
  const start = lines.findLastIndex((line) => /^(Starting|Started) /.test(line));
  return start === -1 ? lines : lines.slice(start);
}

const stopped = (lab: Lab): Cause => ({
  name: 'fence_virtd-stopped',
  says: 'fence_virtd does not run on dom0',
  cure: systemctl(lab, 'start', 'start it'),
});

const seLinux: Cause = {
  name: 'selinux',
  number: 11,
  says: 'SELinux keeps fence_virtd from its files',
  cure: { says: 'give them their labels', command: 'restorecon -Rv /etc/cluster /etc/fence_virt.conf', where: 'dom0' },
};

/**
 * What it was told is looked at first: an interface that is not there, or another address family, ends it as well, with words of
 * its own (`Failed to bind multicast receive socket to 225.0.0.12: No such device`), and starting it again heals neither.
 */
function causeOfDeath(lab: Lab, log: string, conf: string | undefined, hasKey: boolean): Cause {
  const wrong = conf === undefined ? undefined : told(lab, conf);
  if (wrong) return wrong;
  if (/Could not read key file/.test(log) || !hasKey) return keyMissingOnDom0(lab);
  if (/Error parsing|open\/parse configuration/.test(log)) return unreadable(lab);
  if (/Could not connect to any hypervisors|Backend plugin libvirt failed/.test(log)) {
    return {
      name: 'hypervisor-not-found',
      number: 8,
      says: 'fence_virtd found no hypervisor when it was started; libvirt answers now',
      cure: again(lab),
    };
  }
  return { ...stopped(lab), name: 'fence_virtd-fails', says: 'fence_virtd ended by itself: see its last words' };
}

function told(lab: Lab, conf: string): Cause | undefined {
  try {
    return difference(lab, conf);
  } catch (error) {
    if (error instanceof BadInput) return unreadable(lab);
    throw error;
  }
}

const unreadable = (lab: Lab): Cause => ({
  name: 'configuration-unreadable',
  says: `${virtdOf(lab).conf} cannot be read`,
  cure: asLabWritesIt,
});

/** Whether it is started so that it tells what it hears; without that a failure of the path cannot be told apart. */
export async function logsRequests(dom0: Reader, lab: Lab): Promise<boolean> {
  return /fence_virtd .*-d\s?[2-9]/.test(textOf(await dom0.readFile(virtdOf(lab).unitFile)) ?? '');
}

export const logSilent: Cause = {
  name: 'log-silent',
  says: 'the path does not hold, and fence_virtd does not log what it hears, so it cannot be told why',
  cure: chaptersAgain('let it log its requests, then ask again', '7'),
};
