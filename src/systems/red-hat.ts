import { netmaskOf } from '../spec/addresses.ts';
import { loginFiles } from './login-files.ts';
import type { GuestSystem } from './system.ts';

/** Made by rc.local, the last script of a boot (initscripts of Red Hat 5 and 6). */
const bootedMark = '/var/lock/subsys/local';

/** Red Hat Enterprise Linux 5 and 6 as their installer leaves them: partitions, perhaps LVM, init scripts, ifcfg files. */
export const redHat: GuestSystem = {
  disk: 'partitioned',
  sshOptions: [],

  /**
   * "make sure /etc/sysconfig/network-scripts/ifcfg-eth0 has a MAC address matching": Creating virtual machines 6. The rules
   * that udev wrote for the default image's card would make ours eth1.
   */
  identity(lab, guest) {
    const card = `DEVICE=eth0
HWADDR=${guest.mac.toUpperCase()}
BOOTPROTO=static
IPADDR=${guest.address}
NETMASK=${netmaskOf(lab.network.prefix)}
ONBOOT=yes
NM_CONTROLLED=no
`;
    return [
      { path: '/etc/sysconfig/network', mode: 0o644, text: `NETWORKING=yes\nHOSTNAME=${guest.name}\n` },
      { path: '/etc/sysconfig/network-scripts/ifcfg-eth0', mode: 0o644, text: card },
      { path: '/etc/udev/rules.d/70-persistent-net.rules', absent: true, comesBack: true },
      ...loginFiles(lab, guest, ['dsa', 'ecdsa']),
    ];
  },

  async bootState(guest) {
    const done = (await guest.stat(bootedMark)) !== undefined;
    return { done, says: done ? 'running' : `starting: ${bootedMark} is not there yet` };
  },
};
