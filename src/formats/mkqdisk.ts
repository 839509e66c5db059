import type { Ran } from '../model/host.ts';

/**
 * The quorum disks that `mkqdisk -L` lists, by their devices: a line for each name of the device, then its fields
 * (cman/qdisk/proc.c, print_qdisk_info).
 * @returns device to label
 */
export function readQuorumDisks(stdout: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  let devices: string[] = [];
  for (const line of stdout.split('\n')) {
    const device = /^(\/\S+):$/.exec(line.trimEnd())?.[1];
    const label = /^\s+Label:\s*(.*?)\s*$/.exec(line)?.[1];
    if (device !== undefined) devices.push(device);
    if (label === undefined) continue;
    for (const name of devices) labels.set(name, label);
    devices = [];
  }
  return labels;
}

/** mkqdisk asks `proceed [N/y] ?`, and takes anything but a `y` for a no: then it ends with 0 (cman/qdisk/mkqdisk.c). */
export function declinedMkqdisk({ stdout }: Pick<Ran, 'stdout'>): string | undefined {
  return stdout.includes('Good thinking.')
    ? 'it says “Good thinking.”: its question was not answered with y'
    : undefined;
}
