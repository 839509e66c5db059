import { command } from '../model/change.ts';
import { LabError } from '../model/errors.ts';
import type { Lab } from '../spec/lab.ts';
import { textOf } from '../steps/file-content.ts';
import { toolstackOf } from '../toolstacks/index.ts';
import { broken, type Cure, firstLine, holds, type Probe, probe, unknown } from './probe.ts';

/** Is there a dom0, and does it answer? Xen tells a dom0 by `control_d`. */
export const dom0Answers: Probe = probe('dom0', async (look) => {
  try {
    const text = textOf(await look.on('dom0').readFile('/proc/xen/capabilities')) ?? '';
    if (text.includes('control_d')) return holds('answers, and is a Xen dom0', 'what follows was looked at there');
    return broken('it answers, and /proc/xen/capabilities does not say control_d', {
      name: 'no-dom0',
      says: 'this machine is not a Xen dom0',
      cure: { says: 'boot it under Xen, or try the lab in a box', command: 'lab up --host sandbox' },
    });
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return broken(firstLine(error.message), {
      name: 'dom0-unreachable',
      says: firstLine(error.message),
      cure: reached(error),
    });
  }
});

/** A sandbox that is not there is made by lab up; to any other dom0 the error says how to try. */
function reached(error: LabError): Cure {
  const attempt = /^try: (.*)$/.exec(error.hint ?? '')?.[1];
  if (attempt !== undefined) return { says: 'start it, or tell lab where it is (--host); then try', command: attempt };
  return { says: error.hint ?? 'start it, or tell lab where it is (--host)', command: 'lab up' };
}

/** "fence_xvmd was designed with Xen Bridged networking in mind." */
export const bridgeThere = (lab: Lab): Probe =>
  probe('bridge', async (look) => {
    const dom0 = look.on('dom0');
    const { bridge, dom0Address, prefix } = lab.network;
    const on = toolstackOf(lab).addressOnBridge ? ['dev', bridge] : [];
    const [there, address, ports] = await Promise.all([
      dom0.stat(`/sys/class/net/${bridge}/bridge`),
      dom0.read(['ip', '-o', '-4', 'address', 'show', ...on]),
      dom0.list(`/sys/class/net/${bridge}/brif`),
    ]);
    if (!there) {
      return broken(`there is no bridge ${bridge}`, {
        name: 'bridge-missing',
        says: `dom0 has no bridge ${bridge}, over which guests and fencing host talk`,
        cure: {
          says: 'make it for good in the network configuration of dom0, or name yours in lab.yaml (network.bridge); until the next boot, by hand',
          command: `ip link add name ${bridge} type bridge && ip address add ${dom0Address}/${prefix} dev ${bridge} && ip link set ${bridge} up`,
          where: 'dom0',
        },
      });
    }
    if (address.code === 0 && !address.stdout.includes(` ${dom0Address}/`)) {
      return broken(`${bridge} does not have the address ${dom0Address}`, {
        name: 'bridge-without-address',
        says: `dom0 has not the address ${dom0Address}, so it cannot call guests back`,
        cure: {
          says: 'until the next boot; for good it belongs into the network configuration of dom0',
          command: `ip address add ${dom0Address}/${prefix} dev ${bridge}`,
          where: 'dom0',
          ...(on.length > 0
            ? { change: command(['ip', 'address', 'add', `${dom0Address}/${prefix}`, 'dev', bridge]) }
            : {}),
        },
      });
    }
    const attached = ports === undefined ? '' : `, ${ports.length} ports`;
    return holds(`${bridge} has ${dom0Address}${attached}`, 'guests and fencing host have a network in common');
  });

/**
 * A bridge that snoops and has no querier forgets who listens after about four minutes. It is called broken before that
 * happens: it will go deaf.
 */
export const multicastKept = (lab: Lab): Probe =>
  probe('multicast', async (look) => {
    const dom0 = look.on('dom0');
    const { bridge } = lab.network;
    const { address } = lab.fencing;
    const directory = `/sys/class/net/${bridge}/bridge`;
    const [snooping, querier, mdb] = await Promise.all([
      dom0.readFile(`${directory}/multicast_snooping`).then(textOf),
      dom0.readFile(`${directory}/multicast_querier`).then(textOf),
      dom0.read(['bridge', 'mdb', 'show']),
    ]);
    // No such file: a kernel whose bridges do not snoop, before 2.6.34.
    if ((snooping ?? '0').trim() === '0') return holds(`${bridge} does not snoop`, 'multicast goes to every port');
    if (querier === undefined) return unknown(`${bridge} snoops; whether it is a querier cannot be seen`);
    if (querier.trim() === '1') return holds(`${bridge} snoops, and is a querier`, 'it does not forget who listens');
    const listed = mdb.stdout.split('\n').some((line) => line.includes(`port ${bridge} grp ${address}`));
    const group =
      mdb.code !== 0 ? '' : listed ? `; ${address} is still in its table` : `; ${address} is not in its table`;
    return broken(`${bridge} snoops and has no querier${group}`, {
      name: 'snooping-without-querier',
      number: 7,
      says: `${bridge} snoops multicast and nobody asks who listens: ${listed || mdb.code !== 0 ? 'after some minutes it forgets' : 'it has forgotten'} that dom0 listens to ${address}`,
      cure: {
        says: 'make the bridge the querier, until the next boot of dom0 (lab up does it again)',
        command: `ip link set dev ${bridge} type bridge mcast_querier 1`,
        where: 'dom0',
        change: command(['ip', 'link', 'set', 'dev', bridge, 'type', 'bridge', 'mcast_querier', '1']),
      },
    });
  });
