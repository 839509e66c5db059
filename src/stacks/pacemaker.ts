import { type CibSections, fencingResources } from '../formats/cib.ts';
import { corosyncConf, readCorosyncConf } from '../formats/corosync-conf.ts';
import { sectionAt } from '../formats/section.ts';
import { Refused } from '../model/errors.ts';
import type { Look, Node, Step } from '../model/step.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import { dom0Paths } from '../spec/paths.ts';
import { textOf } from '../steps/file-content.ts';
import { randomKey } from '../steps/keys.ts';
import { awaited } from '../steps/requirement.ts';
import { service } from '../steps/service.ts';
import { cibChange, cibSections, clusterState, missingSections, patience } from './pacemaker-cib.ts';
import { pacemakerStorage } from './pacemaker-storage.ts';
import { quorumDisk, sbdFiles, sbdWatches } from './pacemaker-quorum-disk.ts';
import type { Stack } from './stack.ts';

const section = 'Setting up the cluster 6';

/** Seconds that the fencing of the first guest waits: of two nodes that fence each other, it survives. */
const delay = 10;

/** Today's stack: corosync 3 and pacemaker 2.1. */
export const pacemaker: Stack = {
  packages: ({ cluster: { tieBreaker } }) => [
    'corosync',
    'pacemaker',
    'pacemaker-cli-utils',
    'fence-virt',
    'resource-agents',
    'dlm-controld',
    'gfs2-utils',
    // The agents of dlm and of file systems call killall and fuser.
    'psmisc',
    // Only where it is configured: pacemaker does not start beside an sbd that does not.
    ...(tieBreaker ? ['sbd'] : []),
  ],
  offAtBoot: ['corosync.service', 'pacemaker.service', 'dlm.service'],

  async clusterOf(host) {
    const text = textOf(await host.readFile('/etc/corosync/corosync.conf'));
    return text && sectionAt(readCorosyncConf(text), 'totem')?.values.get('cluster_name');
  },

  async clusterState(guest) {
    const state = await clusterState(guest);
    return state && { quorate: state.quorate, online: state.online, fencing: Object.fromEntries(state.started) };
  },

  secrets: (lab, after) => [
    randomKey(
      {
        id: '5.authkey',
        title: 'Make the key of the cluster’s traffic',
        section: 'Setting up the cluster 2',
        on: 'dom0',
        after,
      },
      { path: dom0Paths(lab).authkey, bytes: 256, mode: 0o400, lab: lab.name },
    ),
  ],

  guestFiles: (lab) => [
    ...sbdFiles(lab),
    {
      path: '/etc/corosync/corosync.conf',
      mode: 0o644,
      text: corosyncConf({ name: lab.name, token: lab.cluster.token, nodes: lab.guests }),
    },
    { path: '/etc/corosync/authkey', mode: 0o400, from: dom0Paths(lab).authkey },
  ],

  start(lab, after) {
    const first = firstGuest(lab);
    const disk = quorumDisk(lab, first, after);
    const corosync = everywhere(lab, 'corosync', [...after, ...disk]);
    const quorate = awaited(
      { id: '9.quorate', title: 'Wait for quorum', section, on: first.name, after: corosync },
      { within: 90_000, hint: `look at: lab ssh ${first.name} -- corosync-quorumtool -s` },
      (look) => missingQuorum(look, lab),
    );
    const watched = sbdWatches(lab, corosync);
    const pacemakers = everywhere(lab, 'pacemaker', [quorate, ...watched]);
    const online = awaited(
      { id: '9.online', title: 'Wait for all nodes to be online', section, on: first.name, after: pacemakers },
      { within: 180_000, hint: `look at: lab ssh ${first.name} -- crm_mon -1` },
      async (look) => {
        const state = await clusterState(look.host);
        const absent = lab.guests.filter(({ name }) => !state?.online.includes(name));
        return absent.length === 0 ? undefined : `not online: ${absent.map(({ name }) => name).join(', ')}`;
      },
    );
    const fencing: Step = {
      kind: 'step',
      id: '9.fencing',
      title: 'Configure a fencing resource per guest',
      section: 'Setting up the cluster 2',
      on: first.name,
      after: [online],
      foreseen: cibSections.map((name) => cibChange(name, wantedFencing(lab))),
      check: async ({ host }) => {
        const wanted = wantedFencing(lab);
        return (await missingSections(host, wanted)).map((name) => cibChange(name, wanted));
      },
    };
    const started = awaited(
      {
        id: '9.fencing-started',
        title: 'Wait for the fencing resources to start',
        section,
        on: first.name,
        after: [fencing],
      },
      { within: 180_000, hint: `look at: lab ssh ${first.name} -- crm_mon -1` },
      (look) => missingFencing(look, lab),
    );
    return [...disk, ...corosync, quorate, ...watched, ...pacemakers, online, fencing, started];
  },

  storage: (lab, storage, after) => pacemakerStorage(lab, storage, after),

  stop(lab, { isRunning }) {
    const off = (unit: string, after: readonly Node[]) =>
      lab.guests.map((guest) => {
        const inside = service(
          {
            id: `down.${unit}-${guest.name}`,
            title: `Stop ${unit} on ${guest.name}`,
            section: '',
            on: guest.name,
            after,
          },
          { unit, running: false },
        );
        const check = async (look: Look) =>
          (await isRunning({ ...look, host: look.on('dom0') }, guest)) ? inside.check(look) : [];
        return { ...inside, check };
      });
    const pacemakers = off('pacemaker', []);
    return [...pacemakers, ...off('corosync', pacemakers)];
  },
};

/** The same service on all guests; none waits for another. */
function everywhere(lab: Lab, unit: string, after: readonly Node[]): readonly Step[] {
  return lab.guests.map((guest) =>
    service(
      { id: `9.${unit}-${guest.name}`, title: `Start ${unit} on ${guest.name}`, section, on: guest.name, after },
      {
        unit,
        running: true,
        settle: { within: 120_000, hint: `look at: lab ssh ${guest.name} -- journalctl -u ${unit}` },
      },
    ),
  );
}

function firstGuest({ guests: [first] }: Lab): Guest {
  if (!first) throw new Refused('a lab without guests has no cluster');
  return first;
}

/** corosync-quorumtool(8): `Quorate: Yes`, `Total votes: 2`; with wait_for_all neither before all nodes were seen. */
async function missingQuorum({ host }: Look, lab: Lab): Promise<string | undefined> {
  const { stdout, stderr } = await host.read(['corosync-quorumtool', '-s']);
  const votes = Number(/^Total votes:\s*(\d+)/m.exec(stdout)?.[1] ?? 0);
  if (!/^Quorate:\s*Yes/m.test(stdout)) return `not quorate${stderr ? ` (${stderr.trim()})` : ''}`;
  return votes < lab.guests.length ? `${votes} of ${lab.guests.length} votes` : undefined;
}

function wantedFencing({ guests, fencing: { key, address, port } }: Lab): CibSections {
  const [first, ...others] = guests;
  const delayed = first && others.length === 1 ? { delayed: { guest: first.name, seconds: delay } } : {};
  return fencingResources({ guests: guests.map(({ name }) => name), key, address, port, ...delayed, scale: patience });
}

/** Each fencing resource runs, and on another node than the one it fences. */
async function missingFencing(look: Look, lab: Lab): Promise<string | undefined> {
  const [state, registered] = await Promise.all([clusterState(look.host), look.host.read(['stonith_admin', '-L'])]);
  for (const { name } of lab.guests) {
    const where = state?.started.get(`fence-${name}`);
    if (where === undefined) return [`fence-${name} is not started`, ...(state?.failed ?? [])].join('; ');
    if (where === name && lab.guests.length > 1) return `fence-${name} runs on the node it fences`;
  }
  // Registered with the fencer of this node: the devices that it may run.
  return registered.stdout.includes('fence-') || lab.guests.length === 1
    ? undefined
    : 'stonith_admin -L lists no device';
}
