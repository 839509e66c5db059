import { homedir } from 'node:os';
import { join } from 'node:path';

/** What lab keeps for all labs of a user, and can make again. */
export const cacheDirectory = (environment: NodeJS.ProcessEnv = process.env) =>
  join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lab');

/** Where sandboxes keep things on the control machine (XDG Base Directory Specification). */
export function sandboxPaths(lab: string, environment: NodeJS.ProcessEnv = process.env) {
  const cache = cacheDirectory(environment);
  const state = join(environment.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'lab', lab, 'sandbox');
  return {
    lab,
    /** Images shared by all sandboxes, each named by what went into it. */
    cache,
    /** `kvm BOOT-ID` or `tcg BOOT-ID`, as tried once in this boot of the machine. */
    accelerator: join(cache, 'accelerator'),
    /** All that is this sandbox's own; `lab sandbox destroy` removes it. */
    state,
    loginKey: join(state, 'login_ed25519'),
    hostKey: join(state, 'dom0_host_ed25519'),
    knownHosts: join(state, 'known_hosts'),
    seed: join(state, 'seed'),
    seedTar: join(state, 'seed.tar'),
    dom0Disk: join(state, 'dom0.qcow2'),
    guestsDisk: join(state, 'guests.qcow2'),
    /** Names the directory in the cache of the image, kernel and Xen that its disks were laid over. */
    image: join(state, 'image'),
    /** Names the saved memory from which dom0 goes on when it starts for the first time; gone from then on. */
    resume: join(state, 'resume'),
    port: join(state, 'port'),
    pid: join(state, 'qemu.pid'),
    serial: join(state, 'serial.log'),
    monitor: join(state, 'monitor.sock'),
  };
}

export type SandboxPaths = ReturnType<typeof sandboxPaths>;

/** The name by which ssh knows the sandbox's host key, whatever its port. */
export const hostKeyAlias = 'dom0.lab.invalid';
