import { fail, getopt, type Handler, ok } from './call.ts';
import { losersOfSplit, survivorsFence } from './cluster.ts';
import { guestsOf } from './guests.ts';
import { fence } from './libvirt.ts';

/** What is done to guests on purpose, to see what their cluster makes of it. */

/** What panics a kernel (sysrq(7), `c`), as lab asks for it. */
export const panic = '(sleep 1; echo c > /proc/sysrq-trigger) > /dev/null 2>&1 &';

/** `sh -c` with the one line that is understood: a kernel panic, after which libvirt restarts the domain (on_crash). */
export const sh: Handler = ({ world, machine, args: [flag, line = '', ...more] }) => {
  if (flag !== '-c' || line !== panic || more.length > 0) return fail(2, `sh: not simulated: ${line}`);
  if (!machine.running) return fail(2, 'sh: not simulated: a panic of dom0');
  survivorsFence(world, machine.running);
  fence(world, machine.name, 'reboot');
  return ok();
};

/** bridge(8): `link set dev vifID.0 isolated on|off`. Isolated ports do not reach each other. */
export const bridge: Handler = ({ world, machine, args }) => {
  const [link, set, dev, device = '', isolated, value = ''] = getopt(args, []).rest;
  if ([link, set, dev, isolated].join(' ') !== 'link set dev isolated' || !/^(on|off)$/.test(value))
    return fail(255, 'bridge: only link set dev … isolated on|off is simulated');
  const id = Number(/^vif(\d+)\.0$/.exec(device)?.[1]);
  const guest = guestsOf(world).find(({ running }) => running?.id === id);
  if (!guest?.running || machine.name !== 'dom0') return fail(1, `Cannot find device "${device}"`);
  guest.running.isolated = value === 'on';
  const parted = guestsOf(world).filter(({ running }) => running?.isolated);
  for (const { name } of losersOfSplit(world, parted)) fence(world, name, 'reboot');
  return ok();
};
