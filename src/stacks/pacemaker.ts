import { type CibSections, fencingResources } from '../formats/cib.ts';
import { corosyncConf, isReloadable, readCorosyncConf } from '../formats/corosync-conf.ts';
import { sectionAt } from '../formats/section.ts';
import { once } from '../model/once.ts';
import type { Look, Node, Step } from '../model/step.ts';
import { firstGuest, type Lab } from '../spec/lab.ts';
import { dom0Paths } from '../spec/paths.ts';
import { textOf } from '../steps/file-content.ts';
import { randomKey } from '../steps/keys.ts';
import { awaited } from '../steps/requirement.ts';
import { service } from '../steps/service.ts';
import { journalsFor } from './gfs2-journals.ts';
import { cibChange, clusterState, missingConfiguration, patience } from './pacemaker-cib.ts';
import { fencersKnow } from './pacemaker-fencer.ts';
import { formerForgotten, nodesTold } from './pacemaker-nodes.ts';
import { quorumDisk, sbdFiles, sbdWatches } from './pacemaker-quorum-disk.ts';
import { pacemakerStorage } from './pacemaker-storage.ts';
import { quorumKept } from './quorum-kept.ts';
import type { Stack } from './stack.ts';

const section = 'Setting up the cluster 6';

/**
 * Seconds that the fencing of the first guest waits: of two nodes that fence each other, it survives. Ten are usual; where
 * pacemaker itself takes half a minute to ask for a fencing (seen on an emulated dom0), the guest that should lose won with that.
 */
const delay = 10 * patience;

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
    if (!state) return undefined;
    const { quorate, online, unclean, started } = state;
    return { quorate, online, unclean, fencing: Object.fromEntries(started) };
  },

  // stonith_admin(8): --fence is what powers off. -t in seconds; its own default is two minutes, which a slow dom0 may need.
  fence: (node, operation) => ['stonith_admin', operation === 'off' ? '--fence' : '--reboot', node, '-t', '600'],

  secrets: (lab, after) => [
    randomKey(
      {
        id: '5.authkey',
        title: 'Make the key of the cluster’s traffic',
        section: 'Setting up the cluster 2',
        on: 'dom0',
        after,
      },
      { path: dom0Paths(lab).authkey, bytes: 256, mode: 0o400, owner: lab },
    ),
  ],

  guestFiles: once((lab: Lab) => [
    ...sbdFiles(lab),
    corosyncFile(corosyncConf({ name: lab.name, token: lab.cluster.token, nodes: lab.guests })),
    { path: '/etc/corosync/authkey', mode: 0o400, from: dom0Paths(lab).authkey },
  ]),

  changeable: quorumKept,

  start(lab, after) {
    const first = firstGuest(lab);
    const told = nodesTold(lab, after);
    // A node that joins finds its journal there: its mount would fail without.
    const journals = lab.storage ? [journalsFor(lab, lab.storage, '9.journals', told)] : [];
    const disk = quorumDisk(lab, first, after);
    const corosync = everywhere(lab, 'corosync', [...told, ...journals, ...disk, ...after]);
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
    const fencers = fencersKnow(lab, [online]);
    const former = formerForgotten(lab, fencers);
    const fencing: Step = {
      kind: 'step',
      id: '9.fencing',
      title: 'Configure a fencing resource per guest',
      section: 'Setting up the cluster 2',
      on: first.name,
      after: [former],
      foreseen: [cibChange(wantedFencing(lab))],
      check: ({ host }) => missingConfiguration(host, wantedFencing(lab)),
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
    return [
      ...told,
      ...journals,
      ...disk,
      ...corosync,
      quorate,
      ...watched,
      ...pacemakers,
      online,
      ...fencers,
      former,
      fencing,
      started,
    ];
  },

  storage: (lab, storage, after) => pacemakerStorage(lab, storage, after),

  stop(lab, { isRunning }, first = []) {
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
    const pacemakers = off('pacemaker', first);
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

const corosyncFile = (text: string) => ({
  path: '/etc/corosync/corosync.conf',
  mode: 0o644,
  text,
  live: (found: string) => isReloadable(found, text),
});

/** corosync-quorumtool(8): `Quorate: Yes`, `Total votes: 2`; with wait_for_all neither before all nodes were seen. */
async function missingQuorum({ host }: Look, lab: Lab): Promise<string | undefined> {
  const { stdout, stderr } = await host.read(['corosync-quorumtool', '-s']);
  const votes = Number(/^Total votes:\s*(\d+)/m.exec(stdout)?.[1] ?? 0);
  if (!/^Quorate:\s*Yes/m.test(stdout)) return `not quorate${stderr ? ` (${stderr.trim()})` : ''}`;
  return votes < lab.guests.length ? `${votes} of ${lab.guests.length} votes` : undefined;
}

const wantedFencing = once(({ guests, fencing: { key, address, port } }: Lab): CibSections => {
  // Said with any other number too: a delay of the time when there were two would stay.
  const delayed = { guest: guests[0]?.name ?? '', seconds: guests.length === 2 ? delay : 0 };
  return fencingResources({ guests: guests.map(({ name }) => name), key, address, port, delayed, scale: patience });
});

/** Each fencing resource runs, and on another node than the one it fences. A node alone has nobody to fence it. */
async function missingFencing(look: Look, lab: Lab): Promise<string | undefined> {
  if (lab.guests.length === 1) return undefined;
  const [state, registered] = await Promise.all([clusterState(look.host), look.host.read(['stonith_admin', '-L'])]);
  for (const { name } of lab.guests) {
    const where = state?.started.get(`fence-${name}`);
    if (where === undefined) return [`fence-${name} is not started`, ...(state?.failed ?? [])].join('; ');
    if (where === name) return `fence-${name} runs on the node it fences`;
  }
  // Registered with the fencer of this node: the devices that it may run.
  return registered.stdout.includes('fence-') ? undefined : 'stonith_admin -L lists no device';
}
