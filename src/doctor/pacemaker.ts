import { readCrmMon } from '../formats/crm-mon.ts';
import type { Reader } from '../model/host.ts';
import type { Lab } from '../spec/lab.ts';
import { stackOf } from '../stacks/index.ts';
import { missingInGuest } from '../steps/guest-files.ts';
import {
  askGuests,
  type Cause,
  broken,
  chaptersAgain,
  firstLine,
  holds,
  names,
  type Probe,
  probe,
  unknown,
} from './probe.ts';

const startIt = chaptersAgain('start the cluster on all guests', '9');

/** The cluster's configuration and key in each guest, as lab wrote them. */
export const clusterConfigured = (lab: Lab): Probe =>
  probe('cluster configuration', async (look) => {
    const files = stackOf(lab).guestFiles(lab);
    const { answers, silent } = await askGuests(lab, look, async (guest) => {
      const { wrong, changes } = await missingInGuest(guest, look.on('dom0'), files);
      return [...wrong, ...changes.flatMap((change) => (change.is === 'file' ? change.path : []))];
    });
    const wrong = answers.find(({ answer }) => answer.length > 0);
    if (wrong) {
      const { name } = wrong.guest;
      return broken(`${name}: ${wrong.answer.join(', ')} differ`, {
        name: 'cluster-configuration-differs',
        says: `${name} has another ${wrong.answer.join(' and ')} than the lab`,
        cure: { says: 'lab writes them into the disks while the guests are off', command: 'lab down && lab up' },
      });
    }
    if (silent.length > 0) return unknown(`${names(silent)} cannot be asked`);
    return holds(`${files.map(({ path }) => path).join(', ')} as lab wrote them`, 'all speak of one cluster');
  });

/** Corosync and pacemaker run on all guests, which have seen each other. */
export const clusterQuorate = (lab: Lab): Probe =>
  probe('cluster', async (look) => {
    const { answers, silent } = await askGuests(lab, look, memberOf);
    const saw = answers.map(({ guest, answer }) => `${guest.name} ${answer.says}`).join(', ');
    // The worst first: a node that is missing is one on which the cluster does not run, if that can be asked.
    for (const cause of memberCauses) {
      const found = answers.map(({ guest, answer }) => cause(guest.name, answer, lab.guests.length)).find(Boolean);
      if (found) return broken(saw, found);
    }
    if (silent.length > 0) return unknown(`${names(silent)} cannot be asked`);
    return holds(saw, 'the cluster may decide to fence');
  });

interface Member {
  readonly says: string;
  readonly runs: boolean;
  readonly quorate: boolean;
  readonly votes: number;
  /** Nodes that pacemaker calls online; undefined: it does not run here. */
  readonly online: readonly string[] | undefined;
}

/** corosync-quorumtool(8) -s and crm_mon(8), as one guest sees the cluster. */
async function memberOf(guest: Reader): Promise<Member> {
  const [{ stdout }, monitor] = await Promise.all([
    guest.read(['corosync-quorumtool', '-s']),
    guest.read(['crm_mon', '-1', '--output-as=xml']),
  ]);
  const runs = /^Quorate:/m.test(stdout);
  const quorate = /^Quorate:\s*Yes/m.test(stdout);
  const votes = Number(/^Total votes:\s*(\d+)/m.exec(stdout)?.[1] ?? 0);
  const online = monitor.code === 0 ? readCrmMon(monitor.stdout).online : undefined;
  const says = !runs
    ? 'without corosync'
    : `${quorate ? '' : 'not '}quorate with ${votes} votes${online ? '' : ', without pacemaker'}`;
  return { says, runs, quorate, votes, online };
}

type Judge = (name: string, member: Member, nodes: number) => Cause | undefined;

const memberCauses: readonly Judge[] = [
  (name, { runs }) =>
    runs ? undefined : { name: 'cluster-stopped', says: `the cluster does not run on ${name}`, cure: startIt },
  (name, { quorate, votes }, nodes) =>
    quorate
      ? undefined
      : { name: 'not-quorate', says: `${name} has no quorum, with ${votes} of ${nodes} votes`, cure: startIt },
  (name, { votes }, nodes) =>
    votes >= nodes
      ? undefined
      : { name: 'node-missing', says: `${name} sees ${votes} of ${nodes} nodes`, cure: startIt },
  (name, { online }) =>
    online ? undefined : { name: 'pacemaker-stopped', says: `pacemaker does not run on ${name}`, cure: startIt },
  (name, { online = [] }, nodes) => {
    if (online.length >= nodes) return undefined;
    const says = `${name} sees ${online.length} of ${nodes} nodes online (${online.join(', ') || 'none'}): the others are pending, standby or unclean`;
    return { name: 'node-not-online', says, cure: startIt };
  },
];

/** What a guest's pacemaker says, from the first that answers. */
export async function fromPacemaker(lab: Lab, look: Parameters<Probe['run']>[0]) {
  const { answers } = await askGuests(lab, look, (guest) =>
    Promise.all([guest.read(['cibadmin', '-Q']), guest.read(['crm_mon', '-1', '--output-as=xml'])]),
  );
  const found = answers.find(({ answer: [cib, monitor] }) => cib.code === 0 && monitor.code === 0);
  if (found) return { cib: found.answer[0].stdout, state: readCrmMon(found.answer[1].stdout) };
  return { silent: firstLine(answers[0]?.answer[0].stderr ?? '') || 'pacemaker runs nowhere' };
}
