import { declinedMkqdisk, readQuorumDisks } from '../formats/mkqdisk.ts';
import { type Change, command } from '../model/change.ts';
import { Refused } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Look, Node, Step } from '../model/step.ts';
import { type Guest, type Lab, QUORUMD, type SharedDisk } from '../spec/lab.ts';
import { awaited } from '../steps/requirement.ts';
import { seeBlank } from './blank-disk.ts';
import { cmanStatus } from './cman-tool.ts';
import { initService } from './init-service.ts';

const section = 'Creating virtual machines 2';

/** The label by which qdiskd finds the disk: the cluster's name. */
export const labelOf = ({ name }: Lab): string => name;

/** `<quorumd>` in cluster.conf; undefined without a tie breaker. */
export const quorumdOf = (lab: Lab) => lab.cluster.tieBreaker && { label: labelOf(lab), ...QUORUMD };

/** mkqdisk(8) on one guest, before cman starts: a qdiskd that finds no disk of its label ends. */
export function quorumDisk(lab: Lab, disk: SharedDisk, on: Guest, after: readonly Node[]): Step {
  const device = `/dev/${disk.device}`;
  const make = command(['mkqdisk', '-c', device, '-l', labelOf(lab)], { input: 'y\n', declined: declinedMkqdisk });
  return {
    kind: 'step',
    id: '9.quorum-disk',
    title: `Make ${device} the quorum disk`,
    section,
    on: on.name,
    after,
    foreseen: [make],
    check: (look) => missingDisk(look, lab, device, make),
  };
}

/**
 * Never a mkqdisk over anything: a quorum disk of our label is adopted (finished, if mkqdisk was cut short), any other disk
 * must be blank.
 * @throws Refused
 */
async function missingDisk({ host }: Look, lab: Lab, device: string, make: Change): Promise<readonly Change[]> {
  const label = labelOf(lab);
  const labels = readQuorumDisks((await host.read(['mkqdisk', '-L'])).stdout);
  const found = labels.get(device);
  const twin = [...labels].find(([other, name]) => name === label && other !== device && other.startsWith('/dev/xvd'));
  if (twin)
    throw new Refused(
      `${twin[0]} is a quorum disk ${label} as well: qdiskd would not know which`,
      `look at: lab ssh ${host.name} -- mkqdisk -L`,
    );
  if (found === label) return (await isWhole(host, device)) ? [] : [make];
  if (found !== undefined) {
    throw new Refused(
      `${device} is the quorum disk of another cluster: its label is ${found}, not ${label}`,
      `if that cluster is no more: lab ssh ${host.name} -- mkqdisk -c ${device} -l ${label}`,
    );
  }
  await seeBlank(host, device, ['-c', '/dev/null']);
  return [make];
}

/** mkqdisk writes the label first, and the block of the sixteenth node last: cman/qdisk/disk.h, SHARED_HEADER_MAGIC. */
async function isWhole(host: Reader, device: string): Promise<boolean> {
  const { stdout } = await host.read(['od', '-A', 'n', '-t', 'x1', '-j', '65536', '-N', '4', device]);
  return stdout.trim() === '00 de bb 1e';
}

/**
 * qdiskd on all guests, after cman has joined, and its vote. cman 2 has a service for it; cman 3 starts qdiskd itself when
 * cluster.conf speaks of it (cman/init.d/cman.in), and has no such service.
 */
export function quorumDaemon(lab: Lab, first: Guest, after: readonly Node[]): readonly Step[] {
  const started = lab.guests.map((guest) => {
    const placed = {
      id: `9.qdiskd-${guest.name}`,
      title: `Start qdiskd on ${guest.name}`,
      section: 'Setting up the cluster 6',
      on: guest.name,
      after,
    };
    const service = initService(placed, { name: 'qdiskd', running: true });
    const check = async (look: Look) => ((await hasScript(look)) ? service.check(look) : []);
    return { ...service, check };
  });
  const counted = awaited(
    {
      id: '9.quorum-votes',
      title: 'Wait for the vote of the quorum disk',
      section: 'Setting up the cluster 6',
      on: first.name,
      after: started,
    },
    {
      // Cycles until it takes part, and until there is a master: qdisk(5), tko_up and master_wait.
      within: 120_000,
      hint: `look at: lab ssh ${first.name} -- grep qdiskd /var/log/messages; mkqdisk -L`,
    },
    (look) => missingVote(look, lab),
  );
  return [...started, counted];
}

/** Of cman 2: its service is stopped before cman, which qdiskd needs. */
export async function hasScript({ host }: Look): Promise<boolean> {
  return (await host.stat('/etc/init.d/qdiskd')) !== undefined;
}

/** cman_tool(8) status: the device's votes are there. */
async function missingVote({ host }: Look, lab: Lab): Promise<string | undefined> {
  const status = await cmanStatus(host);
  if (status === undefined) return 'cman does not run';
  const votes = Number(status.get('Quorum device votes') ?? 0);
  const expected = lab.guests.length + QUORUMD.votes;
  if (votes !== QUORUMD.votes) return `the quorum disk has ${votes} votes, not ${QUORUMD.votes}`;
  return Number(status.get('Expected votes')) === expected
    ? undefined
    : `${status.get('Expected votes')} votes are expected, not ${expected}`;
}
