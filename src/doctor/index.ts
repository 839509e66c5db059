import { virtdOf } from '../fencing/virtd.ts';
import type { Host, HostName, Reader } from '../model/host.ts';
import type { Look } from '../model/step.ts';
import type { Lab } from '../spec/lab.ts';
import { unitState } from '../steps/service.ts';
import { guestsAnswer } from './addresses.ts';
import { guestsLetPass, hostLetsIn, portsFree } from './barriers.ts';
import { clocksAgree } from './clocks.ts';
import { clusterConfsEqual, cmanQuorate } from './cman.ts';
import { bridgeThere, dom0Answers, multicastKept } from './dom0.ts';
import { xmGuestsRun } from './domains-xm.ts';
import { cardsOnBridge, guestsRun, libvirtAnswers } from './domains.ts';
import { delaysAndTimeOuts, fencingRuns } from './fencing-resources.ts';
import { keysAreEqual } from './keys.ts';
import { groupJoined } from './listener.ts';
import { clusterConfigured, clusterQuorate } from './pacemaker.ts';
import { tryPath } from './path.ts';
import type { Finding, Probe } from './probe.ts';
import { virtdConfigured } from './virtd-configuration.ts';
import { again, virtdRuns } from './virtd.ts';
import { xvmdAgain, xvmdRuns } from './xvmd.ts';

export { diagnose, type Diagnosis } from './diagnose.ts';
export { doctorChapter } from './fix.ts';
export type { Cause, Cure, Finding } from './probe.ts';

const virtdStarted = (lab: Lab) => async (dom0: Reader) => (await unitState(dom0, virtdOf(lab).unit)).started;

/** What a request needs on its way, in causal order. Layers that a lab has not got are left out. */
function layersOfPath(lab: Lab): readonly Probe[] {
  const xm = lab.toolstack === 'xm';
  return [
    dom0Answers,
    bridgeThere(lab),
    ...(xm ? [xmGuestsRun(lab)] : [libvirtAnswers, guestsRun(lab), cardsOnBridge(lab)]),
    guestsAnswer(lab),
    ...(xm ? [xvmdRuns(lab)] : [virtdRuns(lab), virtdConfigured(lab)]),
    groupJoined(lab, xm ? xvmdAgain : again(lab)),
    keysAreEqual(lab, xm ? undefined : { started: virtdStarted(lab), again: again(lab) }),
    multicastKept(lab),
    hostLetsIn(lab),
    guestsLetPass(lab),
    portsFree(lab),
  ];
}

/** What the cluster needs, besides the path, to fence a node. */
function layersOfCluster(lab: Lab): readonly Probe[] {
  const cluster =
    lab.cluster.stack === 'cman'
      ? [clusterConfsEqual(lab), cmanQuorate(lab)]
      : [clusterConfigured(lab), clusterQuorate(lab), fencingRuns(lab), delaysAndTimeOuts(lab)];
  return [...cluster, clocksAgree(lab)];
}

/** All that only looks, in causal order. */
export function probesOf(lab: Lab): readonly Probe[] {
  return [...layersOfPath(lab), ...layersOfCluster(lab)];
}

/**
 * Looks at all layers at once, then tries the path, if the layers that it goes through do not show a cause already. What the
 * cluster's layers show does not count for that: a fencing resource that stopped may well be a consequence of the path.
 * @param host for the path only: running fence_xvm in a guest is an experiment, not a look
 */
export async function examine(lab: Lab, look: Look, host: (name: HostName) => Host): Promise<readonly Finding[]> {
  const run = (probes: readonly Probe[]) => Promise.all(probes.map((one) => one.run(look)));
  const [path, cluster] = await Promise.all([run(layersOfPath(lab)), run(layersOfCluster(lab))]);
  return [...path, await tryPath(lab, host, path), ...cluster];
}
