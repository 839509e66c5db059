import { onceOfText } from '../model/once.ts';
import { BadInput } from '../model/errors.ts';
import { type Section, SectionBuilder, sectionAt } from './section.ts';

export interface CorosyncNode {
  readonly name: string;
  /** From 1. */
  readonly nodeId: number;
  /** Address of the cluster's traffic (ring0_addr). */
  readonly address: string;
}

export interface CorosyncConf {
  /** The cluster's name. */
  readonly name: string;
  /** Token time-out in milliseconds. */
  readonly token: number;
  readonly nodes: readonly CorosyncNode[];
  /** With two nodes: let one of them be quorate alone. Default true; with any other number of nodes it is not written. */
  readonly twoNode?: boolean;
}

function block(name: string, lines: readonly string[]): readonly string[] {
  return [`${name} {`, ...lines.map((line) => `    ${line}`), '}'];
}

/**
 * Milliseconds. A link counts as up after two pings, and without a word they are a quarter of the token apart: with a long token a
 * node that has started would be cut off from the others for half a minute (corosync.conf(5), knet_ping_interval, knet_pong_count).
 */
const longestPing = 1000;

/**
 * corosync.conf(5) for corosync 3: knet, encrypted, votequorum. two_node implies wait_for_all.
 * @throws BadInput for a name or address that does not fit on its line
 */
export function corosyncConf({ name, token, nodes, twoNode = true }: CorosyncConf): string {
  for (const word of [name, ...nodes.flatMap((node) => [node.name, node.address])]) {
    if (/^[\w.:-]+$/.test(word)) continue;
    const message = `\`${word}\` cannot stand in corosync.conf`;
    throw new BadInput([{ place: { file: 'corosync.conf' }, message, hint: 'Letters, digits and `_ . : -` only.' }]);
  }
  const nodeBlocks = nodes.flatMap((node) =>
    block('node', [`ring0_addr: ${node.address}`, `name: ${node.name}`, `nodeid: ${node.nodeId}`]),
  );
  const lines = [
    ...block('totem', [
      'version: 2',
      `cluster_name: ${name}`,
      'transport: knet',
      'crypto_cipher: aes256',
      'crypto_hash: sha256',
      `token: ${token}`,
      ...block('interface', ['linknumber: 0', `knet_ping_interval: ${Math.min(Math.floor(token / 4), longestPing)}`]),
    ]),
    ...block('nodelist', nodeBlocks),
    ...block('quorum', ['provider: corosync_votequorum', ...(twoNode && nodes.length === 2 ? ['two_node: 1'] : [])]),
    ...block('logging', ['to_syslog: yes', 'timestamp: on']),
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * Reads any corosync.conf into sections. As tolerant as can be, for looking at what is there: comments and lines that are
 * neither `key: value` nor a section's begin or end are passed over, braces need not match. Throws nothing.
 */
export function readCorosyncConf(text: string): Section {
  const builder = new SectionBuilder();
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    const colon = line.indexOf(':');
    if (line.startsWith('#')) continue;
    if (line.endsWith('{')) builder.enter(line.slice(0, -1).trim());
    else if (line === '}') builder.leave();
    else if (colon > 0) builder.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return builder.finish();
}

/** The nodes of a corosync.conf, as far as they are told. */
export function corosyncNodes(text: string): readonly CorosyncNode[] {
  const nodes = sectionAt(readCorosyncConf(text), 'nodelist')?.sections.get('node') ?? [];
  return nodes.map(({ values }) => ({
    name: values.get('name') ?? '',
    nodeId: Number(values.get('nodeid')),
    address: values.get('ring0_addr') ?? '',
  }));
}

/**
 * Whether a running corosync may take one file for the other: nothing but its nodes and two_node differ, and nobody who stays
 * becomes another. corosync(8) reloads the nodelist and two_node, but no node's id (corosync-cfgtool(8) -R).
 */
export function isReloadable(found: string, wanted: string): boolean {
  const rest = (text: string) => text.replace(/^nodelist \{\n[^]*?^\}\n/m, '').replace(/^ *two_node: 1\n/m, '');
  const after = corosyncNodes(wanted);
  return (
    rest(found) === rest(wanted) &&
    corosyncNodes(found).every((node) => {
      const same = after.find(({ name }) => name === node.name);
      return same ? same.nodeId === node.nodeId && same.address === node.address : true;
    })
  );
}

/** The nodes of the corosync that runs, of what `corosync-cmapctl nodelist.node.` prints: `nodelist.node.0.name (str) = molly`. */
export const cmapNodes = onceOfText((text): readonly CorosyncNode[] => {
  const found = new Map<string, Record<string, string>>();
  for (const [, n = '', key = '', value = ''] of text.matchAll(/^nodelist\.node\.(\d+)\.(\w+) \(\w+\) = (.*)$/gm))
    found.set(n, { ...found.get(n), [key]: value.trim() });
  return [...found.values()].map(({ name = '', nodeid, ring0_addr: address = '' }) => ({
    name,
    nodeId: Number(nodeid),
    address,
  }));
});
