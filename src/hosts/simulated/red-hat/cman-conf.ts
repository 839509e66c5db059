import type { CmanNode, Quorumd } from '../state.ts';
import type { Tree } from '../tree.ts';
import { children, descendants, parse, type XmlElement } from '../xml.ts';

export const confPath = '/etc/cluster/cluster.conf';

/** What cman reads in cluster.conf (cluster.conf(5), facts/cluster-conf.md). */
export interface ClusterConf {
  readonly name: string;
  readonly version: number;
  readonly nodes: readonly CmanNode[];
  readonly twoNode: boolean;
  readonly expectedVotes: number;
  readonly postJoinDelay: number;
  readonly quorumd?: Quorumd | undefined;
  readonly fenceXvmd: boolean;
  readonly services: readonly string[];
  /** What cluster.rng does not allow. */
  readonly invalid: readonly string[];
}

const text = (element: XmlElement | undefined, name: string) => element?.attributes[name] ?? '';

/** @returns undefined where there is no file, and a message where it cannot be parsed */
export function readConf(tree: Tree, path = confPath): ClusterConf | string | undefined {
  const source = tree.text(path);
  if (source === undefined) return undefined;
  let root: XmlElement;
  try {
    root = parse(source);
  } catch (error) {
    return `parser error : ${error instanceof Error ? error.message.split('\n')[0] : error}`;
  }
  return root.name === 'cluster' ? confOf(root) : 'parser error : no <cluster>';
}

function confOf(root: XmlElement): ClusterConf {
  const [cman, list, fenceDaemon, disk] = ['cman', 'clusternodes', 'fence_daemon', 'quorumd'].map(
    (name) => children(root, name)[0],
  );
  const nodes = children(list, 'clusternode').map((node) => ({
    name: text(node, 'name'),
    id: Number(text(node, 'nodeid')),
    votes: Number(text(node, 'votes') || 1),
    domain: domainOf(root, node),
  }));
  const votes = nodes.reduce((sum, node) => sum + node.votes, 0);
  return {
    name: text(root, 'name'),
    version: Number(text(root, 'config_version')),
    nodes,
    twoNode: text(cman, 'two_node') === '1',
    expectedVotes: Number(text(cman, 'expected_votes') || votes),
    postJoinDelay: Number(text(fenceDaemon, 'post_join_delay') || 3),
    quorumd: disk && { label: text(disk, 'label'), votes: Number(text(disk, 'votes') || 1) },
    fenceXvmd: children(root, 'fence_xvmd').length > 0,
    services: children(children(root, 'rm')[0], 'service').map((service) => text(service, 'name')),
    invalid: wrongIn(root),
  };
}

/** The domain that the first method's fence_xvm device fences. */
function domainOf(root: XmlElement, node: XmlElement): string | undefined {
  const device = children(children(children(node, 'fence')[0], 'method')[0], 'device')[0];
  const agents = children(children(root, 'fencedevices')[0], 'fencedevice');
  const agent = agents.find((at) => text(at, 'name') === text(device, 'name'));
  return agent && text(agent, 'agent') === 'fence_xvm' ? text(device, 'domain') || undefined : undefined;
}

const allowed = [
  ...['cman', 'totem', 'quorumd', 'fence_daemon', 'fence_xvmd', 'dlm', 'gfs_controld', 'group', 'logging', 'uidgid'],
  ...['clusternodes', 'fencedevices', 'rm', 'clvmd'],
];

/** The part of cluster.rng that people run into (facts/cluster-conf.md). */
function wrongIn(root: XmlElement): readonly string[] {
  const wrong: string[] = [];
  const need = (element: XmlElement, ...names: readonly string[]) => {
    for (const name of names)
      if (element.attributes[name] === undefined) wrong.push(`Element ${element.name} lacks attribute ${name}`);
  };
  need(root, 'name', 'config_version');
  if (text(root, 'name').length > 16) wrong.push('Invalid attribute name for element cluster');
  if (!/^\d+$/.test(text(root, 'config_version'))) wrong.push('Invalid attribute config_version for element cluster');
  for (const name of Object.keys(root.attributes))
    if (!['name', 'config_version'].includes(name) && !name.startsWith('xml'))
      wrong.push(`Invalid attribute ${name} for element cluster`);
  for (const { name } of children(root)) if (!allowed.includes(name)) wrong.push(`Extra element ${name} in interleave`);
  const nodes = children(children(root, 'clusternodes')[0], 'clusternode');
  if (nodes.length === 0) wrong.push('Expecting an element clusternodes, got nothing');
  for (const node of nodes) need(node, 'name', 'nodeid');
  const devices = children(children(root, 'fencedevices')[0], 'fencedevice').map((at) => text(at, 'name'));
  for (const device of descendants(root, 'device'))
    if (!devices.includes(text(device, 'name')))
      wrong.push(`IDREF attribute name references an unknown ID "${text(device, 'name')}"`);
  return wrong;
}
