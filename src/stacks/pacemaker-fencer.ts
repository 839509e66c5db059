import { command, wait } from '../model/change.ts';
import type { Reader } from '../model/host.ts';
import type { Node, Step } from '../model/step.ts';
import type { Lab } from '../spec/lab.ts';
import { clusterState } from './pacemaker-cib.ts';

/*
 * pacemaker's fencer asks the CIB manager for the configuration when it starts. It gives up after five tries, some 15 s (seen on
 * an emulated guest that was busy), and runs on without: it then knows no node by its id, which is how dlm_controld asks whether a
 * lost node was fenced. Nobody is told, and after the next fencing the shared disk stands still for ever.
 */

const began = 'Starting Pacemaker fencer';
const ended = "Caught 'Terminated' signal";
const gaveUp = 'Could not connect to the CIB manager';

/**
 * Whether the fencer that runs on a guest does without the cluster's configuration: its own words, since it was last started, or told to
 * end: one that was started anew has yet to ask. */
export async function fencerIsLost(guest: Reader): Promise<boolean> {
  const { stdout } = await guest.read([
    ...(['journalctl', '-b', '-q', '--no-pager', '-o', 'cat', '-t', 'pacemaker-fenced'] as const),
    ...['-g', `${began}|${ended}|${gaveUp}`],
  ]);
  return stdout.lastIndexOf(gaveUp) > Math.max(stdout.lastIndexOf(began), stdout.lastIndexOf(ended));
}

/** What cures it: all of pacemaker, since its daemons hold on to each other. It stops the guest's resources in order first. */
export const restart = command(['systemctl', 'restart', 'pacemaker'], { timeout: 600_000 });

/** After all nodes were online, so that the fencers had their time. */
export function fencersKnow(lab: Lab, after: readonly Node[]): readonly Step[] {
  return lab.guests.map(({ name }) => ({
    kind: 'step',
    id: `9.fencer-${name}`,
    title: `See that the fencer of ${name} knows the cluster’s configuration`,
    section: 'Setting up the cluster 6',
    on: name,
    after,
    // On a machine that is busy enough, the one that was started anew gives up, too.
    settle: { within: 180_000, repeats: 2, hint: `look at: lab ssh ${name} -- journalctl -b -t pacemaker-fenced` },
    async check({ host }) {
      const [lost, state] = await Promise.all([fencerIsLost(host), clusterState(host)]);
      if (lost) return [restart];
      return state?.online.includes(name) ? [] : [wait(`wait: ${name} is not online`)];
    },
  }));
}
