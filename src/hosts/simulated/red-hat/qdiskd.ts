import type { Machine, World } from '../world.ts';
import { cmanOf } from './cman.ts';
import { quorumDisks } from './quorum-disk.ts';

/**
 * qdiskd -Q: it needs cman, and the disk of the label in the cluster.conf that cman has read; it works on no disk that mkqdisk
 * did not finish. It needs no quorum: it may well bring it.
 * @returns why it did not start
 */
export function startQdiskd(world: World, machine: Machine): string | undefined {
  const { state } = machine;
  if (state.services.qdiskd) return undefined;
  const cman = cmanOf(machine);
  if (!cman) return 'Could not connect to CMAN: Connection refused';
  if (!cman.quorumd) return 'Configuration failed: no <quorumd> in cluster.conf';
  const { label } = cman.quorumd;
  const disk = quorumDisks(world, machine).find((one) => one.label === label);
  if (!disk) return `Unable to match label '${label}' to any device`;
  if (!disk.whole) return `Error reading node ID block 16 of ${disk.device}`;
  state.services.qdiskd = { active: 'active', pid: world.nextPid(), started: world.state.clock, since: Date.now() };
  return undefined;
}
