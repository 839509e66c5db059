import { BadInput, type Place } from '../model/errors.ts';
import { type Section, SectionBuilder } from './section.ts';

export interface FenceVirtConf {
  /** Path of the key file on dom0. */
  readonly key: string;
  /** Multicast address, IPv4 or IPv6. */
  readonly address: string;
  readonly port: number;
  /** Interface to listen on: the guests' bridge. */
  readonly bridge: string;
  /** libvirt's connection, e.g. xen:///system. */
  readonly uri: string;
  /** Who may fence whom; everybody everyone, without. */
  readonly group?: FenceGroup;
}

/** `groups { group { … } }`: requests from these addresses may be about these domains, and no others (rc 3, measured). */
export interface FenceGroup {
  readonly name: string;
  readonly from: readonly string[];
  /** Names and uuids: what a request says is compared as it is written. */
  readonly targets: readonly string[];
}

/**
 * fence_virt.conf(5) for fence_virtd on dom0: it listens to multicast on the guests' bridge and acts through libvirt.
 * @throws BadInput for a value with a quote or a line break: the format has no escapes
 */
export function fenceVirtConf({ key, address, port, bridge, uri, group }: FenceVirtConf): string {
  for (const value of [key, address, bridge, uri, ...(group ? [group.name, ...group.from, ...group.targets] : [])]) {
    if (!/["\p{Cc}]/u.test(value)) continue;
    const message = `${JSON.stringify(value)} cannot stand in fence_virt.conf, which has no escapes`;
    throw new BadInput([{ place: { file: 'fence_virt.conf' }, message }]);
  }
  return `fence_virtd {
    listener = "multicast";
    backend = "libvirt";
}

listeners {
    multicast {
        key_file = "${key}";
        address = "${address}";
        family = "${address.includes(':') ? 'ipv6' : 'ipv4'}";
        port = "${port}";
        interface = "${bridge}";
    }
}

backends {
    libvirt {
        uri = "${uri}";
    }
}
${group ? groupText(group) : ''}`;
}

function groupText({ name, from, targets }: FenceGroup): string {
  const lines = [
    `name = "${name}";`,
    ...from.map((address) => `ip = "${address}";`),
    ...targets.map((target) => `uuid = "${target}";`),
  ];
  return `
groups {
    group {
${lines.map((line) => `        ${line}\n`).join('')}    }
}
`;
}

const GAP = /\s+|#[^\n]*/y;
const WORD = /"[^"\n]*"|[{}=;]|[^\s{}=;"#]+/y;

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

function afterGap(text: string, start: number): number {
  let at = start;
  for (let gap = match(GAP, text, at); gap !== ''; gap = match(GAP, text, at)) at += gap.length;
  return at;
}

/**
 * Reads an existing fence_virt.conf: `id = "value";`, `id { … }`, `id = "value" { … }` and `#` comments.
 * @throws BadInput where it is none, with line and column
 */
export function readFenceVirtConf(text: string, file: string): Section {
  const builder = new SectionBuilder();
  let at = afterGap(text, 0);
  const fail = (expected: string): never => {
    const before = text.slice(0, at).split('\n');
    const place: Place = { file, line: before.length, column: (before.at(-1) ?? '').length + 1 };
    const found = JSON.stringify(text.slice(at, at + 20).split('\n')[0]);
    throw new BadInput([{ place, message: `${expected} was expected, not ${found}` }]);
  };
  /** The next word if it is of the given form. */
  const take = (form: RegExp): string | undefined => {
    const word = match(WORD, text, at);
    if (!form.test(word)) return undefined;
    at = afterGap(text, at + word.length);
    return word;
  };
  while (at < text.length) {
    if (take(/^\}$/)) {
      if (!builder.leave()) fail('a section that this closes');
      continue;
    }
    const name = take(/^[^{}=;"]+$/) ?? fail('a name');
    const quoted = take(/^=$/) && (take(/^"/) ?? fail('a value in quotes'));
    if (quoted) builder.set(name, quoted.slice(1, -1));
    if (take(/^\{$/)) builder.enter(name);
    else if (!quoted || !take(/^;$/)) fail(quoted ? '`;`' : '`=` or `{`');
  }
  if (builder.depth > 0) fail('`}`');
  return builder.finish();
}
