import { brokenClusterConf, clusterConf, readClusterConf, versionFor } from '../formats/cluster-conf.ts';
import { type Change, command, file } from '../model/change.ts';
import { BadInput, NotYet, Unreachable } from '../model/errors.ts';
import type { Look, Node, Step } from '../model/step.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import { textOf } from '../steps/file-content.ts';
import { quorumdOf } from './cman-quorum-disk.ts';
import { cmanStatus } from './cman-tool.ts';

export const confPath = '/etc/cluster/cluster.conf';
const section = 'Setting up the cluster 2';

/** Either two nodes of which one is enough, or a quorum disk that decides: never both (formats/cluster-conf-rules.ts). */
export const isTwoNode = ({ guests, cluster }: Lab): boolean => guests.length === 2 && !cluster.tieBreaker;

/** The cluster of the guests, its version aside. */
function wantedConf(lab: Lab) {
  const { name, guests, cluster } = lab;
  const { token, services } = cluster;
  const quorumd = quorumdOf(lab);
  return {
    name,
    token,
    ...(quorumd ? { quorumd } : { twoNode: isTwoNode(lab) }),
    nodes: guests.map(({ name: node, nodeId }) => ({ name: node, id: nodeId })),
    fencing: 'fence_xvm' as const,
    ...(services && { services }),
  };
}

/**
 * The same cluster.conf on all guests. Its config_version grows exactly when its content changes: a file that says the same
 * keeps its number, on whichever guest it is. Validated on the guest before it gets its name, where there is a validator.
 */
export function clusterConfOn(lab: Lab, after: readonly Node[]): readonly Step[] {
  return lab.guests.map((guest) => ({
    kind: 'step' as const,
    id: `9.configuration-${guest.name}`,
    title: `Write ${confPath} on ${guest.name}`,
    section,
    on: guest.name,
    after,
    foreseen: [file(confPath, 0o640, clusterConf({ ...wantedConf(lab), version: lab.cluster.configVersion }))],
    async check(look: Look): Promise<readonly Change[]> {
      const [texts, own, validator] = await Promise.all([
        Promise.all(lab.guests.map(({ name }) => textOn(look, name))),
        look.host.readFile(confPath),
        look.host.read(['which', 'ccs_config_validate']),
      ]);
      const wanted = wantedConf(lab);
      const text = clusterConf({ ...wanted, version: versionFor(wanted, texts, lab.cluster.configVersion) });
      if (textOf(own) === text) return [];
      const broken = brokenClusterConf(text, confPath);
      if (broken.length > 0) throw new BadInput(broken);
      if (validator.code !== 0) return [file(confPath, 0o640, text, own)];
      const fresh = `${confPath}.new`;
      return [
        file(fresh, 0o640, text, own),
        command(['ccs_config_validate', '-f', fresh]),
        command(['mv', '-f', fresh, confPath]),
      ];
    },
  }));
}

/** Another guest's file. One that is not there yet has none. */
async function textOn(look: Look, guest: string): Promise<string | undefined> {
  try {
    return textOf(await look.on(guest).readFile(confPath));
  } catch (error) {
    if (error instanceof NotYet || error instanceof Unreachable) return undefined;
    throw error;
  }
}

/** A cluster that runs is told of a newer configuration: cman_tool(8) version -r. */
export function versionTold(first: Guest, after: readonly Node[]): Step {
  return {
    kind: 'step',
    id: '9.version',
    title: 'Tell the running cluster its configuration',
    section,
    on: first.name,
    after,
    settle: { within: 60_000, hint: `look at: lab ssh ${first.name} -- cman_tool status` },
    async check({ host }) {
      const [bytes, status] = await Promise.all([host.readFile(confPath), cmanStatus(host)]);
      const text = textOf(bytes);
      // Whoever starts reads the file.
      if (text === undefined || status === undefined) return [];
      const { version } = readClusterConf(text, confPath);
      const running = Number(status.get('Config Version'));
      return running === version ? [] : [command(['cman_tool', 'version', '-r', String(version)])];
    },
  };
}
