import type { Argv, Host, Ran } from '../model/host.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import { stackOf } from '../stacks/index.ts';
import { toolstackOf } from '../toolstacks/index.ts';

/**
 * A way in which a guest comes to be fenced. `reboot` and `off` are asked for, from the cluster or from the fencing host itself;
 * after `panic`, `pause`, `destroy` and `split` the cluster has to find out, and to decide.
 */
export type Way = 'reboot' | 'off' | 'panic' | 'pause' | 'destroy' | 'split';

export interface Ordeal {
  readonly way: Way;
  /** Asked of the fencing host by the agent (fence_xvm), past the cluster. */
  readonly direct: boolean;
  /** Who is to be fenced; with `split` it may be the other one. */
  readonly victim: Guest;
  /** Who asks, and who is looked at. */
  readonly survivor: Guest;
}

/** e.g. `reboot-frederick`, `off-direct-molly`, `split`. */
export function nameOf({ way, direct, victim }: Ordeal): string {
  return way === 'split' ? way : [way, ...(direct ? ['direct'] : []), victim.name].join('-');
}

/** What happens, in a sentence. */
export function sayOrdeal(lab: Lab, ordeal: Ordeal): string {
  const { way, victim, survivor } = ordeal;
  if (way === 'split') return 'the guests do not hear each other any more: one of them has to fence the other';
  const found = `the cluster has to find out, and fence it`;
  if (way === 'panic') return `the kernel of ${victim.name} panics: ${found}`;
  if (way === 'pause') return `the domain ${victim.name} is paused: ${found}`;
  if (way === 'destroy') return `the domain ${victim.name} is destroyed: ${found}`;
  return `${survivor.name} has ${victim.name} fenced: ${request(lab, ordeal, way).join(' ')}`;
}

/** Seconds that fence_xvm waits. fence_virtd answers when the domain is there again: in an emulated dom0 after up to 80 s (seen). */
const patience = '180';

/** The command that asks for the fencing, on the survivor. */
export function request(lab: Lab, { direct, victim }: Ordeal, operation: 'reboot' | 'off' | 'on'): Argv {
  const { key, address, port } = lab.fencing;
  if (direct || operation === 'on')
    return [
      ...(['fence_xvm', '-o', operation, '-H', victim.name] as const),
      ...['-k', key, '-a', address, '-p', String(port), '-t', patience],
    ];
  return stackOf(lab).fence(victim.name, operation);
}

/** What it begins with, for whoever reads a plan. */
export function firstCommand(lab: Lab, ordeal: Ordeal): Argv {
  const { way, victim } = ordeal;
  if (way === 'panic') return panics;
  if (way === 'split') return ['bridge', 'link', 'set', 'dev', 'vifN.0', 'isolated', 'on'];
  return way === 'pause' || way === 'destroy' ? toolstackOf(lab).stopDead(victim, way) : request(lab, ordeal, way);
}

/** sysrq(7), `c`. A moment later, so that whoever asks is told that it was asked. */
const panics: Argv = ['sh', '-c', '(sleep 1; echo c > /proc/sysrq-trigger) > /dev/null 2>&1 &'];

/**
 * Begins what nobody asks the cluster for.
 * @param ids the domains' ids: Xen names the bridge port of a domain's first card after its id
 * @returns the command that did not do it; undefined: it has begun
 */
export async function strike(
  lab: Lab,
  { way, victim }: Ordeal,
  host: (name: string) => Host,
  ids: readonly string[],
): Promise<Ran | undefined> {
  if (way === 'split') return (await isolate(host('dom0'), ids, true)).find(({ code }) => code !== 0);
  const ran =
    way === 'panic'
      ? await host(victim.name).run(panics)
      : await host('dom0').run(toolstackOf(lab).stopDead(victim, way === 'pause' ? 'pause' : 'destroy'));
  // A slow guest may panic before ssh has ended: that connection is lost (255), and the guest is struck.
  return ran.code === 0 || (way === 'panic' && ran.code === 255) ? undefined : ran;
}

/**
 * Parts guests that share a bridge: isolated ports reach the ports that are not, dom0's among them, and not each other
 * (bridge(8), isolated).
 */
export async function isolate(dom0: Host, ids: readonly string[], on: boolean): Promise<readonly Ran[]> {
  const state = on ? 'on' : 'off';
  const ran: Ran[] = [];
  for (const id of ids) ran.push(await dom0.run(['bridge', 'link', 'set', 'dev', `vif${id}.0`, 'isolated', state]));
  return ran;
}
