import type { Lab } from '../spec/lab.ts';
import { cmanRunning, members } from '../stacks/cman-tool.ts';
import { askGuests, broken, chaptersAgain, holds, names, type Probe, probe, unknown } from './probe.ts';

const confPath = '/etc/cluster/cluster.conf';
const startIt = chaptersAgain('start the cluster on all guests', '9');

/** cluster.conf is the same in all guests. */
export const clusterConfsEqual = (lab: Lab): Probe =>
  probe('cluster configuration', async (look) => {
    const { answers, silent } = await askGuests(lab, look, (guest) => guest.digest(confPath));
    const saw = answers.map(({ guest, answer }) => `${guest.name} ${answer?.slice(0, 12) ?? 'has none'}`).join(', ');
    const [first] = answers;
    const other = answers.find(({ answer }) => answer === undefined || answer !== first?.answer);
    if (other) {
      return broken(saw, {
        name: 'cluster-configuration-differs',
        says: `${other.guest.name} has ${other.answer === undefined ? 'no' : 'another'} ${confPath}`,
        cure: startIt,
      });
    }
    if (silent.length > 0) return unknown(`${names(silent)} cannot be asked`);
    return holds(`sha256 ${saw}`, 'all speak of one cluster');
  });

/** cman runs in all guests, and all are members. */
export const cmanQuorate = (lab: Lab): Probe =>
  probe('cluster', async (look) => {
    const { answers, silent } = await askGuests(lab, look, async (guest) => {
      const [runs, { there, quorate }] = await Promise.all([cmanRunning(guest), members(guest)]);
      return { runs, there, quorate };
    });
    const saw = answers.map(
      ({ guest, answer: { runs, there } }) => `${guest.name} ${runs ? `sees ${there.join(' and ')}` : 'without cman'}`,
    );
    // The worst first: a node that is missing is one on which cman does not run, if that can be asked.
    const idle = answers.find(({ answer }) => !answer.runs)?.guest;
    const blocked = answers.find(({ answer }) => !answer.quorate)?.guest;
    const lonely = answers.find(({ answer }) => answer.there.length < lab.guests.length)?.guest;
    const because = (name: string, says: string) => broken(saw.join(', '), { name, says, cure: startIt });
    if (idle) return because('cluster-stopped', `cman does not run on ${idle.name}`);
    if (blocked) return because('not-quorate', `${blocked.name} has no quorum`);
    if (lonely) return because('node-missing', `${lonely.name} does not see all ${lab.guests.length} nodes`);
    if (silent.length > 0) return unknown(`${names(silent)} cannot be asked`);
    return holds(saw.join(', '), 'the cluster may decide to fence');
  });
