/** Seconds, as `sbd create` writes them on the disk for all nodes: sbd(8), -1 and -4. */
export interface SbdTimes {
  /** Without a good read of the disk, or a word of the cluster, for so long, the watchdog resets the node. */
  readonly watchdog: number;
  /** A message counts as delivered after so long: twice the watchdog's. */
  readonly msgwait: number;
}

/** sbd's own default of the watchdog time-out (s). */
const leastWatchdog = 5;

/**
 * Times for a token (ms): a guest that is silent for less than the token is alive to corosync, so its watchdog must not be
 * quicker. "This should be twice the watchdog timeout" (sbd(8), -4).
 */
export function sbdTimes(token: number): SbdTimes {
  const watchdog = Math.max(leastWatchdog, Math.ceil(token / 1000));
  return { watchdog, msgwait: 2 * watchdog };
}

/** The header that `sbd -d DEVICE dump` prints; undefined if there is none (it then ends with 1). */
export function readSbdHeader(stdout: string): SbdTimes | undefined {
  const seconds = (name: string) => new RegExp(`^Timeout \\(${name}\\)\\s*: (\\d+)$`, 'm').exec(stdout)?.[1];
  const [watchdog, msgwait] = [seconds('watchdog'), seconds('msgwait')];
  return watchdog === undefined || msgwait === undefined
    ? undefined
    : { watchdog: Number(watchdog), msgwait: Number(msgwait) };
}

/** The nodes that ever watched a disk: `sbd -d DEVICE list`, slot, node, message and its sender, by tabs. */
export function readSbdSlots(stdout: string): readonly string[] {
  return stdout.split('\n').flatMap((line) => /^\d+\t(\S+)\t/.exec(line)?.[1] ?? []);
}

/** /etc/default/sbd. All that Debian's has is said, so that it does not depend on what the package brings. */
export function sbdDefaults(device: string, { watchdog }: SbdTimes): string {
  return `# sbd(8); its time-outs are on the disk: sbd -d ${device} dump
SBD_DEVICE="${device}"
SBD_PACEMAKER=yes
SBD_STARTMODE=always
# The cluster is off at boot: nobody comes back while the others still wait for the end of a fencing.
SBD_DELAY_START=no
SBD_WATCHDOG_DEV=/dev/watchdog
SBD_WATCHDOG_TIMEOUT=${watchdog}
SBD_TIMEOUT_ACTION=flush,reboot
SBD_MOVE_TO_ROOT_CGROUP=auto
SBD_SYNC_RESOURCE_STARTUP=yes
SBD_OPTS=
`;
}
