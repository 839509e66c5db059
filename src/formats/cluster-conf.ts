import { BadInput } from '../model/errors.ts';
import { readClusterConf, sameClusterConf } from './cluster-conf-read.ts';
import { brokenClusterConf } from './cluster-conf-rules.ts';
import { children, type Element, onOneLine, XmlElement } from './xml.ts';

export { readClusterConf, sameClusterConf, type ReadClusterConf } from './cluster-conf-read.ts';
export { brokenClusterConf, tokenFor } from './cluster-conf-rules.ts';

export interface ClusterNode {
  /** What `uname -n` says there. */
  readonly name: string;
  /** From 1. */
  readonly id: number;
  /** Default 1. */
  readonly votes?: number;
}

export interface ClusterConfInput {
  readonly name: string;
  /** config_version: grows with each change. */
  readonly version: number;
  readonly nodes: readonly ClusterNode[];
  /** Milliseconds without a word of a node until it counts as dead. */
  readonly token?: number;
  /** Either of exactly two nodes is quorate alone. Never together with quorumd. */
  readonly twoNode?: boolean;
  /** Instead of what follows from twoNode or quorumd. */
  readonly expectedVotes?: number;
  /** A quorum disk as tie-breaker: qdisk(5). Interval in seconds. */
  readonly quorumd?: {
    readonly label: string;
    readonly votes: number;
    readonly interval: number;
    readonly tko: number;
  };
  /** Each node is a domain of its own name, and fenced as such. */
  readonly fencing?: 'fence_xvm';
  /** The cluster of one on dom0: cman's init script starts fence_xvmd there. */
  readonly fenceXvmd?: boolean;
  /** Services of rgmanager. */
  readonly services?: readonly { readonly name: string; readonly autostart: boolean }[];
  /** Stands behind the declaration. */
  readonly comment?: string;
}

/** On one line, if an element with all that is in it is no longer than that. */
const FITS = 100;
const FILE = 'cluster.conf';

function refuse(message: string): BadInput {
  return new BadInput([{ place: { file: FILE }, message }]);
}

/** A text that XML can hold on one line. */
function fit(text: string | number): string {
  const isFit =
    typeof text === 'number' ? Number.isSafeInteger(text) && text >= 0 : !/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/u.test(text);
  if (isFit) return String(text);
  throw refuse(`${typeof text === 'number' ? text : JSON.stringify(text)} cannot stand there`);
}

const fitted = (attributes: Readonly<Record<string, string | number>>) =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, fit(value)]));

/** A new last child. */
function grow(parent: Element, name: string, attributes: Readonly<Record<string, string | number>> = {}): Element {
  const child = new XmlElement(name, fitted(attributes));
  parent.children.push(child);
  return child;
}

function tree(input: ClusterConfInput): Element {
  const { name, version, token, twoNode, quorumd, services } = input;
  const nodes = [...input.nodes].sort((a, b) => a.id - b.id);
  const root = new XmlElement('cluster', fitted({ name, config_version: version }));

  const votes = nodes.reduce((sum, node) => sum + (node.votes ?? 1), 0);
  const expected = input.expectedVotes ?? (twoNode ? 1 : quorumd && votes + quorumd.votes);
  if (expected !== undefined) {
    const two = twoNode ? { two_node: 1 } : quorumd && { two_node: 0 };
    grow(root, 'cman', { expected_votes: expected, ...two });
  }
  if (token !== undefined) grow(root, 'totem', { token });
  if (quorumd) {
    const { label, interval, tko } = quorumd;
    grow(root, 'quorumd', { interval, tko, votes: quorumd.votes, label });
  }
  const list = grow(root, 'clusternodes');
  for (const node of nodes) {
    const element = grow(list, 'clusternode', { name: node.name, nodeid: node.id, votes: node.votes ?? 1 });
    if (!input.fencing) continue;
    const method = grow(grow(element, 'fence'), 'method', { name: 1 });
    grow(method, 'device', { domain: node.name, name: 'xvm' });
  }
  if (input.fencing) grow(grow(root, 'fencedevices'), 'fencedevice', { agent: input.fencing, name: 'xvm' });
  if (input.fenceXvmd) grow(root, 'fence_xvmd');
  if (services) {
    const rm = grow(root, 'rm');
    grow(rm, 'failoverdomains');
    grow(rm, 'resources');
    for (const { name: service, autostart } of services) {
      grow(rm, 'service', { name: service, autostart: autostart ? 1 : 0 });
    }
  }
  return root;
}

/** An element as lines: what is short on one, else its children below it, indented by two spaces. */
function lines(element: Element, isRoot: boolean): readonly string[] {
  const whole = onOneLine(element);
  if (children(element).length === 0 || (whole.length <= FITS && !isRoot)) return [whole];
  const begin = onOneLine(new XmlElement(element.name, element.attributes)).replace(/\/>$/, '>');
  const inner = children(element).flatMap((child) => lines(child, false));
  return [begin, ...inner.map((line) => `  ${line}`), `</${element.name}>`];
}

/**
 * cluster.conf(5) for cman 2 and 3. Without the document's `alias`, which only cman 2 knows (facts: cluster-conf.md).
 * @throws BadInput for what brokenClusterConf would find, and for values and comments that XML cannot hold
 */
export function clusterConf(input: ClusterConfInput): string {
  const { comment } = input;
  if (comment !== undefined && comment.includes('--')) throw refuse(`a comment cannot hold ${JSON.stringify(comment)}`);
  const remark = comment === undefined ? [] : [`<!-- ${fit(comment)} -->`];
  const text = `${['<?xml version="1.0"?>', ...remark, ...lines(tree(input), true)].join('\n')}\n`;
  const complaints = brokenClusterConf(text, FILE);
  if (complaints.length > 0) throw new BadInput(complaints);
  return text;
}

/**
 * The config_version to write: that of the nodes if the wanted content is there under the highest number, else the next one,
 * so that no node ever meets two contents under one number.
 * @param found the texts on the nodes now; what cannot be read counts as absent
 * @param first if there is none
 */
export function versionFor(
  wanted: Omit<ClusterConfInput, 'version'>,
  found: readonly (string | undefined)[],
  first: number,
): number {
  const there = found.flatMap((text) => {
    try {
      return text === undefined ? [] : [{ text, version: readClusterConf(text, FILE).version }];
    } catch (error) {
      if (error instanceof BadInput) return [];
      throw error;
    }
  });
  if (there.length === 0) return first;
  const highest = Math.max(...there.map(({ version }) => version));
  const text = clusterConf({ ...wanted, version: highest });
  const isThere = there.some((one) => one.version === highest && sameClusterConf(one.text, text));
  return isThere ? highest : Math.max(highest + 1, first);
}
