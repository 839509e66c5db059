import type { Lab } from '../spec/lab.ts';

/** The port of fence_virtd and fence_xvm if nobody says another (fence_virt.conf(5)). */
const usualPort = 1229;

/** The fence_virtd of a lab, on dom0. */
export interface Virtd {
  /** Its systemd unit. */
  readonly unit: string;
  readonly conf: string;
  /** What lab writes of the unit: a drop-in, or all of it. */
  readonly unitFile: string;
  readonly unitText: string;
}

/**
 * At the usual port it is the fence_virtd of the distribution. Two cannot listen at one port, whatever their addresses (`bind
 * failed: Address already in use`, measured), and one has one key: so a second lab of the same dom0 has another port, and
 * there a fence_virtd of its own.
 *
 * It tells about requests and mismatched keys with plain printf, in the foreground only: so it runs there, and its words go to
 * the journal line by line.
 */
export function virtdOf({ name, fencing }: Pick<Lab, 'name' | 'fencing'>): Virtd {
  const start = '/usr/bin/stdbuf -oL /usr/sbin/fence_virtd -F -d2';
  if (fencing.port === usualPort) {
    return {
      unit: 'fence_virtd',
      conf: '/etc/fence_virt.conf',
      unitFile: '/etc/systemd/system/fence_virtd.service.d/cluster-lab.conf',
      unitText: `[Service]\nType=simple\nExecStart=\nExecStart=${start}\n`,
    };
  }
  const unit = `fence_virtd@${name}`;
  const conf = `/etc/fence_virt-${name}.conf`;
  return {
    unit,
    conf,
    unitFile: `/etc/systemd/system/${unit}.service`,
    unitText: `[Unit]
Description=Fence-Virt system host daemon of the lab ${name}
After=network-online.target libvirtd.service

[Service]
Type=simple
ExecStart=${start} -f ${conf} -p /run/${unit}.pid
`,
  };
}
