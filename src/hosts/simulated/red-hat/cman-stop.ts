import { ok, type Result } from '../call.ts';
import type { Machine, World } from '../world.ts';
import { cmanOf } from './cman.ts';
import { majorOf } from './release.ts';
import { Stages } from './stages.ts';
import { stopXvmd } from './xvmd.ts';

/** Made by a start that is over. */
export const lockFile = '/var/lock/subsys/cman';

/**
 * `service cman stop`. rgmanager, clvmd, qdiskd and what is mounted hold the cluster: it does not stop below them. With 3.x a mounted GFS2
 * already keeps the node in the fence domain (fence/fence_tool: check_controlled_systems).
 */
export function stopCman(world: World, machine: Machine): Result {
  const { state, tree } = machine;
  const major = majorOf(tree) ?? 5;
  const stages = new Stages('Stopping cluster', major);
  const mounted = machine.running?.mounts?.length ?? 0;
  // qdiskd of cman 2 is a service of its own, which stops before cman (K78, K79).
  const holders = ['rgmanager', 'clvmd', ...(major < 6 ? ['qdiskd'] : [])];
  const held = mounted > 0 || holders.some((name) => state.services[name] !== undefined);
  const busy = 'cman_tool: Error leaving cluster: Device or resource busy';
  if (major < 6 && state.services.fence_xvmd) {
    stages.stage('Stopping virtual machine fencing host');
    stopXvmd(world, machine);
  }
  const before =
    major < 6
      ? ['Stopping fencing']
      : ['Leaving fence domain', 'Stopping gfs_controld', 'Stopping dlm_controld', 'Stopping fenced'];
  const leaves = major < 6 || mounted === 0 ? undefined : 'fence_tool: cannot leave due to active systems';
  for (const name of before) if (!stages.stage(name, name === before[0] ? leaves : undefined)) return stages.end();
  if (major === 6 && state.services.qdiskd) {
    stages.stage('Stopping qdiskd');
    delete state.services.qdiskd;
  }
  if (!stages.stage('Stopping cman', held && state.services.cman ? busy : undefined)) return stages.end();
  delete state.services.cman;
  const after =
    major < 6
      ? ['Stopping ccsd', 'Unmounting configfs']
      : ['Waiting for corosync to shutdown', 'Unloading kernel modules', 'Unmounting configfs'];
  for (const name of after) stages.stage(name);
  tree.remove(lockFile);
  return stages.end();
}

/** `service cman status`: 0, 2 for a stale lock, 3 if it does not run. */
export function cmanStatus(machine: Machine): Result {
  const three = majorOf(machine.tree) === 6;
  if (cmanOf(machine)) return ok(three ? 'cluster is running.\n' : 'cman is running.\n');
  if (three && machine.tree.has(lockFile)) return { code: 2, stdout: 'Found stale lock file\n' };
  return { code: 3, stdout: three ? 'corosync is stopped\n' : 'ccsd is stopped\n' };
}
