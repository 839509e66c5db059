import { readClusterConf } from '../formats/cluster-conf.ts';
import type { Look, Node, Step } from '../model/step.ts';
import { firstGuest, type Lab } from '../spec/lab.ts';
import { textOf } from '../steps/file-content.ts';
import { awaited } from '../steps/requirement.ts';
import { clusterConfOn, confPath, isTwoNode, versionTold } from './cman-conf.ts';
import { cmanChangeable } from './cman-change.ts';
import { cmanStorage, gfs2Stopped } from './cman-storage.ts';
import { cmanRunning, members } from './cman-tool.ts';
import { hasScript, quorumDaemon, quorumDisk } from './cman-quorum-disk.ts';
import { packagesThere, quietAtBoot, withoutNetworkManager } from './cman-guests.ts';
import { initService } from './init-service.ts';
import type { Stack } from './stack.ts';

const section = 'Setting up the cluster 6';

/** The services of Red Hat's cluster: "make sure they are turned off at boot for now". NetworkManager stops cman 3 from starting. */
const services = ['cman', 'clvmd', 'gfs2', 'rgmanager', 'qdiskd'];
const off = [...services, 'NetworkManager'];

/** The document's stack: cman and rgmanager. */
export const cman: Stack = {
  packages: () => ['cman', 'rgmanager', 'gfs2-utils', 'lvm2-cluster'],
  // Of the image that lab builds; cman's guests come from an installer, and are turned off inside their disks.
  offAtBoot: [],
  inside: ['sh', '-c', `for s in ${off.join(' ')}; do [ ! -e /etc/init.d/$s ] || chkconfig $s off; done`],
  async clusterState(guest) {
    if (!(await cmanRunning(guest))) return undefined;
    const { there, quorate } = await members(guest);
    return { quorate, online: there, fencing: { xvm: there.join(' and ') } };
  },

  // fence_node(8) does what cluster.conf says of the node: a reboot.
  fence: (node) => ['fence_node', node],

  secrets: () => [],
  guestFiles: () => [],

  async clusterOf(host) {
    const text = textOf(await host.readFile(confPath));
    return text && readClusterConf(text, confPath).name;
  },

  changeable: cmanChangeable,

  start(lab, after) {
    const first = firstGuest(lab);
    const installed = lab.guests.map((guest) => packagesThere(guest, cman.packages(lab), after));
    const quiet = lab.guests.map((guest) => quietAtBoot(guest, services, installed));
    const alone = lab.guests.map((guest) => withoutNetworkManager(guest, installed));
    const configured = clusterConfOn(lab, installed);
    // Before anybody starts: who has a newer configuration than the cluster that runs is not let in.
    const told = versionTold(first, configured);
    const { tieBreaker } = lab.cluster;
    const disk = tieBreaker ? [quorumDisk(lab, tieBreaker, first, installed)] : [];
    const started = everywhere(lab, 'cman', [...quiet, ...alone, told, ...disk]);
    const joined = awaited(
      { id: '9.members', title: 'Wait for all nodes to be members', section, on: first.name, after: started },
      { within: 120_000, hint: `look at: lab ssh ${first.name} -- cman_tool nodes` },
      (look) => missingMembers(look, lab),
    );
    const votes = tieBreaker ? quorumDaemon(lab, first, [joined]) : [];
    const managers = lab.cluster.services ? everywhere(lab, 'rgmanager', [joined, ...votes.slice(-1)]) : [];
    return [...installed, ...quiet, ...alone, ...configured, told, ...disk, ...started, joined, ...votes, ...managers];
  },

  storage: cmanStorage,

  stop(lab, { isRunning }, first = []) {
    const stopped = (name: string, after: readonly Node[]) =>
      lab.guests.map((guest) => {
        const inside = initService(
          {
            id: `down.${name}-${guest.name}`,
            title: `Stop ${name} on ${guest.name}`,
            section: '',
            on: guest.name,
            after,
          },
          { name, running: false },
        );
        const check = async (look: Look) =>
          (await isRunning({ ...look, host: look.on('dom0') }, guest)) && (name !== 'qdiskd' || (await hasScript(look)))
            ? inside.check(look)
            : [];
        return { ...inside, check };
      });
    const managers = stopped('rgmanager', first);
    const unmounted = gfs2Stopped(lab, { isRunning }, managers);
    const daemons = stopped('qdiskd', unmounted);
    return [...managers, ...unmounted, ...daemons, ...stopped('cman', daemons)];
  },
};

/** The same service on all guests, together: who comes later than post_join_delay is fenced by the first one. */
function everywhere(lab: Lab, name: string, after: readonly Node[]): readonly Step[] {
  return lab.guests.map((guest) => ({
    ...initService(
      { id: `9.${name}-${guest.name}`, title: `Start ${name} on ${guest.name}`, section, on: guest.name, after },
      { name, running: true },
    ),
    // A start of cman ends when there is quorum: alone only with two_node.
    ...(isTwoNode(lab) ? {} : { together: name }),
  }));
}

/** cman_tool(8): each node's Sts is M, and there is quorum. */
async function missingMembers({ host }: Look, lab: Lab): Promise<string | undefined> {
  if (!(await cmanRunning(host))) return 'cman does not run';
  const { there, quorate } = await members(host);
  const absent = lab.guests.filter(({ name }) => !there.includes(name)).map(({ name }) => name);
  if (absent.length > 0) return `not members: ${absent.join(', ')}`;
  return quorate ? undefined : 'no quorum: activity blocked';
}
