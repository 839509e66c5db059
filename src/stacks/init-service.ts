import { failedStage } from '../formats/init-stages.ts';
import { command } from '../model/change.ts';
import type { Reader } from '../model/host.ts';
import type { Step } from '../model/step.ts';
import type { Placed } from '../steps/file-content.ts';
import { cmanStatus } from './cman-tool.ts';

/** Starting cman takes its own time-outs: CMAN_CLUSTER_TIMEOUT and CMAN_QUORUM_TIMEOUT, up to 120 s each (facts: cman.md). */
const limit = 300_000;

/**
 * A service of an init script that runs, or does not: service(8). cman's own script says 0 to status while cman has not joined
 * its cluster, so cman_tool is asked. A stage of a start that failed is named, with what usually causes it.
 */
export function initService(placed: Placed, { name, running }: { name: string; running: boolean }): Step {
  const change = command(['service', name, running ? 'start' : 'stop'], { timeout: limit, explain: failedStage });
  return {
    kind: 'step',
    ...placed,
    foreseen: running ? [change] : [],
    settle: { within: 60_000, hint: `look at: lab ssh ${placed.on} -- service ${name} status` },
    async check({ host }) {
      const now = name === 'cman' ? await cman(host) : await other(host, name);
      return now === (running ? 'runs' : 'off') ? [] : [change];
    },
  };
}

/** A start that was cut short leaves a member that is not in the fence domain: the lock file is made when all stages are done. */
async function cman(host: Reader): Promise<'runs' | 'half' | 'off'> {
  const [status, lock] = await Promise.all([cmanStatus(host), host.stat('/var/lock/subsys/cman')]);
  if (status === undefined) return 'off';
  return lock !== undefined && status.get('Membership state') === 'Cluster-Member' ? 'runs' : 'half';
}

async function other(host: Reader, name: string): Promise<'runs' | 'off'> {
  return (await host.read(['service', name, 'status'])).code === 0 ? 'runs' : 'off';
}
