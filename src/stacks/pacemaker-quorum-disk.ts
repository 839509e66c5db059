import { readSbdHeader, readSbdSlots, sbdDefaults, sbdTimes } from '../formats/sbd.ts';
import { type Change, command } from '../model/change.ts';
import { Refused } from '../model/errors.ts';
import type { Look, Node, Step } from '../model/step.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import type { GuestFile } from '../steps/guest-files.ts';
import { awaited, requirement } from '../steps/requirement.ts';
import { unitState } from '../steps/service.ts';
import { seeBlank } from './blank-disk.ts';

/*
 * sbd on the quorum disk (docs/decisions/003-the-quorum-disk.md). Its unit is part of corosync's: it starts with it, and cannot
 * be started by hand. Its package has it enabled; without a disk and a watchdog it fails, and pacemaker with it.
 */

const section = 'Creating virtual machines 2';

const deviceOf = ({ cluster: { tieBreaker } }: Lab) => tieBreaker && `/dev/${tieBreaker.device}`;

/** sbd's configuration, and the watchdog that resets a guest whose sbd hangs: a guest has no other than the kernel's softdog. */
export function sbdFiles(lab: Lab): readonly GuestFile[] {
  const device = deviceOf(lab);
  if (device === undefined) return [];
  return [
    { path: '/etc/default/sbd', mode: 0o644, text: sbdDefaults(device, sbdTimes(lab.cluster.token)) },
    { path: '/etc/modules-load.d/cluster-lab.conf', mode: 0o644, text: 'softdog\n' },
  ];
}

/** All guests can run sbd, and the disk has its header: before corosync starts, which pulls sbd in. */
export function quorumDisk(lab: Lab, first: Guest, after: readonly Node[]): readonly Step[] {
  const device = deviceOf(lab);
  if (device === undefined) return [];
  const able = lab.guests.map((guest) =>
    requirement(
      {
        id: `9.sbd-${guest.name}`,
        title: `See sbd and a watchdog on ${guest.name}`,
        section: 'Setting up the cluster 1',
        on: guest.name,
        after,
      },
      (look) => lacking(look, guest),
    ),
  );
  const { watchdog, msgwait } = sbdTimes(lab.cluster.token);
  const make = command(['sbd', '-d', device, '-1', String(watchdog), '-4', String(msgwait), 'create']);
  const made: Step = {
    kind: 'step',
    id: '9.quorum-disk',
    title: `Make ${device} the quorum disk`,
    section,
    on: first.name,
    after: able,
    foreseen: [make],
    check: (look) => missingHeader(look, lab, device, make),
  };
  return [...able, made];
}

async function lacking({ host }: Look, { name }: Guest): Promise<{ says: string; hint: string } | undefined> {
  const [installed, watchdog] = await Promise.all([
    host.read(['dpkg-query', '-W', '-f', '${db:Status-Status}\n', 'sbd']),
    host.stat('/dev/watchdog'),
  ]);
  if (installed.stdout.trim() !== 'installed')
    return {
      says: `sbd is not installed on ${name}: its image was made for a lab without a quorum disk`,
      hint: 'install it in the default image, or let lab make image and guests anew: lab destroy, then lab up',
    };
  if (watchdog) return undefined;
  return {
    says: `${name} has no /dev/watchdog: softdog is not loaded`,
    hint: `look at: lab ssh ${name} -- 'modprobe softdog; journalctl -u systemd-modules-load'`,
  };
}

/**
 * Never a create over anything, not even over sbd's own: it asks nothing, and empties the slots of nodes that run. An sbd disk
 * of our nodes and times is adopted, any other disk must be blank.
 * @throws Refused
 */
async function missingHeader({ host }: Look, lab: Lab, device: string, make: Change): Promise<readonly Change[]> {
  const [dump, list] = await Promise.all([
    host.read(['sbd', '-d', device, 'dump']),
    host.read(['sbd', '-d', device, 'list']),
  ]);
  const found = dump.code === 0 ? readSbdHeader(dump.stdout) : undefined;
  if (found === undefined) {
    await seeBlank(host, device, ['-p', '-o', 'export']);
    return [make];
  }
  const nodes = readSbdSlots(list.stdout);
  // A guest that left the lab leaves its slot: nobody looks at it any more.
  if (nodes.length > 0 && !nodes.some((node) => lab.guests.some(({ name }) => name === node))) {
    throw new Refused(
      `${device} is the quorum disk of another cluster: its nodes are ${nodes.join(', ')}`,
      `look at it: lab ssh ${host.name} -- sbd -d ${device} list`,
    );
  }
  const { watchdog, msgwait } = sbdTimes(lab.cluster.token);
  if (found.watchdog === watchdog && found.msgwait === msgwait) return [];
  throw new Refused(
    `the quorum disk ${device} has the time-outs ${found.watchdog} s (watchdog) and ${found.msgwait} s (msgwait); a token of ${lab.cluster.token} ms needs ${watchdog} and ${msgwait}`,
    `stop corosync on all guests, then write them anew: lab ssh ${host.name} -- sbd -d ${device} -1 ${watchdog} -4 ${msgwait} create`,
  );
}

/** systemd takes corosync for started whether its sbd is or not; pacemaker would not start without. */
export function sbdWatches(lab: Lab, after: readonly Node[]): readonly Step[] {
  const device = deviceOf(lab);
  if (device === undefined) return [];
  return lab.guests.map(({ name }) =>
    awaited(
      {
        id: `9.sbd-watches-${name}`,
        title: `Wait for sbd to watch the quorum disk on ${name}`,
        section: 'Setting up the cluster 6',
        on: name,
        after,
      },
      { within: 120_000, hint: `look at: lab ssh ${name} -- 'journalctl -u sbd; sbd -d ${device} list'` },
      async ({ host }) => {
        const { active } = await unitState(host, 'sbd');
        return active === 'active'
          ? undefined
          : `sbd is ${active}; it starts with corosync: systemctl restart corosync`;
      },
    ),
  );
}
