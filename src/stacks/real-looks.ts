import { Interrupted } from '../model/errors.ts';
import type { Host, Reader } from '../model/host.ts';

/** The id of a domain as virsh(1) tells it: another one after each start, `-` while it is off. */
export async function dom0Domain(dom0: Reader, name: string): Promise<string> {
  return (await dom0.read(['virsh', '-c', 'xen:///system', 'domid', name])).stdout.trim();
}

/** corosync-quorumtool(8): whether this node is in a partition with quorum. */
export async function quorate(guest: Reader): Promise<boolean> {
  const { stdout } = await guest.read(['corosync-quorumtool', '-s']);
  return /^Quorate:\s*Yes/m.test(stdout);
}

/**
 * Looks until there is an answer, less and less often. A look that fails is none.
 * @param limit ms, of a clock that nobody sets
 * @throws Interrupted
 */
export async function until<T>(look: () => Promise<T | undefined>, limit: number): Promise<T | undefined> {
  const end = performance.now() + limit;
  for (let pause = 200; performance.now() < end; pause = Math.min(pause * 1.5, 3000)) {
    const found = await look().catch((error) => {
      if (error instanceof Interrupted) throw error;
      return undefined;
    });
    if (found !== undefined) return found;
    await new Promise((wake) => setTimeout(wake, pause));
  }
  return undefined;
}

/**
 * Parts guests that share a bridge: isolated ports reach the ports that are not, dom0's among them, and not each other
 * (bridge(8), isolated). Xen names the port of a domain's first card after its id.
 */
export async function isolate(dom0: Host, domains: readonly string[], on: boolean): Promise<void> {
  for (const id of domains)
    await dom0.run(['bridge', 'link', 'set', 'dev', `vif${id}.0`, 'isolated', on ? 'on' : 'off']);
}
