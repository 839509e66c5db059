import { BadInput, type Complaint } from '../model/errors.ts';
import { clusterNodes, parseClusterConf, positive, shown } from './cluster-conf-read.ts';
import { children, type Element } from './xml.ts';

/** Bytes of a cluster's name (facts: cluster-conf.md). The last cman 3 take only 15 (get_cman_globals in cman-preconfig.c). */
const LONGEST_NAME = 16;
/** Milliseconds without a word of a node, unless <totem token=…> says otherwise (cman/daemon/cman-preconfig.c). */
const DEFAULT_TOKEN = 10_000;

type Say = (element: Element, message: string, hint: string) => void;

function cluster(root: Element, say: Say): void {
  const name = root.attributes.name ?? '';
  if (name === '') say(root, 'the cluster has no name', 'write name="…"');
  if (new TextEncoder().encode(name).length > LONGEST_NAME) {
    say(root, `the name ${shown(name)} is too long`, `a cluster's name has at most ${LONGEST_NAME} characters`);
  }
  const version = root.attributes.config_version;
  if (positive(version) === undefined) {
    say(root, `config_version is ${shown(version)}`, 'an integer from 1 up, which grows with each change');
  }
}

function nodes(root: Element, say: Say): void {
  const found = clusterNodes(root);
  if (found.length === 0)
    say(root, 'there is no clusternode', 'write <clusternodes> with a <clusternode> for each node');
  const names = new Set<string>();
  const ids = new Set<number>();
  for (const node of found) {
    const name = node.attributes.name ?? '';
    const id = positive(node.attributes.nodeid);
    if (name === '') say(node, 'a clusternode without a name', "write what `uname -n` says on that node's host");
    else if (names.has(name)) say(node, `a second clusternode ${shown(name)}`, 'each node has a name of its own');
    if (id === undefined) {
      say(node, `nodeid is ${shown(node.attributes.nodeid)}`, 'an integer from 1 up, another for each node');
    } else if (ids.has(id)) say(node, `a second node has the nodeid ${id}`, 'each node has a nodeid of its own');
    names.add(name);
    if (id !== undefined) ids.add(id);
  }
}

function fencing(root: Element, say: Say): void {
  const lists = children(root, 'fencedevices').flatMap((list) => children(list, 'fencedevice'));
  const known = new Set(lists.map((device) => device.attributes.name));
  for (const node of clusterNodes(root)) {
    const methods = children(node, 'fence').flatMap((fence) => children(fence, 'method'));
    const used = [...methods, ...children(node, 'unfence')].flatMap((by) => children(by, 'device'));
    for (const device of used.filter((one) => !known.has(one.attributes.name))) {
      const name = shown(device.attributes.name);
      say(device, `the device ${name} names no fencedevice`, 'write a <fencedevice> of that name into <fencedevices>');
    }
  }
}

function twoNodes(root: Element, say: Say): void {
  const cman = children(root, 'cman').find((one) => positive(one.attributes.two_node) === 1);
  if (!cman) return;
  const votes = cman.attributes.expected_votes;
  if (positive(votes) !== 1) {
    say(cman, `two_node="1" with expected_votes ${shown(votes)}`, 'with two_node="1" it must be expected_votes="1"');
  }
  const { length } = clusterNodes(root);
  if (length !== 2) {
    say(cman, `two_node="1" with ${length} clusternodes`, 'two_node is for exactly two: leave it out');
  }
  if (children(root, 'quorumd').length > 0) {
    say(cman, 'two_node="1" together with a quorum disk', 'with a quorum disk: two_node="0" expected_votes="3"');
  }
}

/** qdisk(5); seconds, and cycles of so many seconds. */
interface QuorumdTimes {
  readonly interval?: number | undefined;
  readonly tko?: number | undefined;
  readonly tkoUp?: number | undefined;
  readonly masterWait?: number | undefined;
  readonly upgradeWait?: number | undefined;
}

/**
 * The token must outlast qdiskd's choice of a new master, else cman gives up the quorum disk in the midst of it: qdisk(5),
 * Quorum Disk Timings. What is not said is as qdiskd sets it (cman/qdisk/main.c, get_static_config_data).
 * @returns milliseconds that the token must be longer than, a better token, and where the first figure comes from
 */
export function tokenFor(times: QuorumdTimes): {
  readonly over: number;
  readonly better: number;
  readonly sum: string;
} {
  const { interval = 1, upgradeWait: upgrade = 2 } = times;
  const tko = Math.max(times.tko ?? 10, 3);
  const up = Math.max(times.tkoUp ?? Math.floor(tko / 3), 2);
  const master = Math.max(times.masterWait ?? Math.floor(tko / 2), up + 1);
  const cycles = tko + master + upgrade;
  const better = interval * Math.max(cycles, 2 * tko) * 1000 + interval * 1000;
  const sum = `${interval} s × (${tko} + ${master} + ${upgrade}) cycles`;
  return { over: interval * cycles * 1000, better, sum };
}

function timings(root: Element, say: Say): void {
  const disk = children(root, 'quorumd')[0];
  if (!disk) return;
  const written = (name: string) => positive(disk.attributes[name]);
  // qdiskd 3 derives its own times from the token, if none is written.
  if (!written('interval') && !written('tko')) return;
  const { over, better, sum } = tokenFor({
    interval: written('interval'),
    tko: written('tko'),
    tkoUp: written('tko_up'),
    masterWait: written('master_wait'),
    upgradeWait: written('upgrade_wait'),
  });
  const totem = children(root, 'totem')[0];
  const token = positive(totem?.attributes.token) ?? DEFAULT_TOKEN;
  if (token > over) return;
  const [interval, tko] = [written('interval') ?? 1, Math.max(written('tko') ?? 10, 3)];
  say(
    totem ?? disk,
    `the token of ${token} ms does not outlast the quorum disk: ${sum}`,
    `better <totem token="${better}"/>: more than that, and more than twice ${interval} s × ${tko}`,
  );
}

/**
 * What is wrong with a cluster.conf, by rules of our own: the schema of cman does not tell it (facts: cluster-conf.md), and
 * cman itself only when it does not start, or later. Throws nothing, whatever the text.
 */
export function brokenClusterConf(text: string, file: string): Complaint[] {
  let parsed: ReturnType<typeof parseClusterConf>;
  try {
    parsed = parseClusterConf(text, file);
  } catch (error) {
    if (error instanceof BadInput) return [...error.complaints];
    throw error;
  }
  const complaints: Complaint[] = [];
  const say: Say = (element, message, hint) => complaints.push({ place: parsed.placeOf(element), message, hint });
  for (const rule of [cluster, nodes, fencing, twoNodes, timings]) rule(parsed.root, say);
  return complaints;
}
