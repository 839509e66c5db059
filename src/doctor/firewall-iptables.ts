import type { Argv } from '../model/host.ts';
import { type Match, type Packet, portIn, type Rule, type Table } from './firewall.ts';

/** iptables-save(8): the filter table's way in (or out); undefined if it has none. */
export function iptablesTable(text: string, packet: Packet): Table | undefined {
  const filter = /^\*filter\n([^]*?)^COMMIT/m.exec(text)?.[1];
  const { protocol, port, by, way } = packet;
  const entry = way === 'out' ? 'OUTPUT' : 'INPUT';
  const policy = filter && new RegExp(`^:${entry} (\\w+)`, 'm').exec(filter)?.[1];
  if (!filter || !policy) return undefined;
  const chains = new Map<string, Rule[]>();
  for (const line of filter.split('\n')) {
    const words = (line.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []).map((word) => word.replace(/^"(.*)"$/, '$1'));
    const [append, chain] = words;
    if (append !== '-A' || chain === undefined) continue;
    chains.set(chain, [...(chains.get(chain) ?? []), ruleOf(line, chain, words.slice(2), packet)]);
  }
  const card = by === undefined ? [] : [way === 'out' ? '-o' : '-i', by];
  return {
    entry,
    name: entry,
    policy: policy === 'ACCEPT' ? 'accept' : 'drop',
    chains,
    exception: ['iptables', '-I', entry, ...card, '-p', protocol, '--dport', String(port), '-j', 'ACCEPT'],
  };
}

/** Options that say nothing of the packet. */
const silent = new Set(['-m', '--match', '--comment', '--reject-with', '--log-prefix', '--log-level']);
const targets: Readonly<Record<string, Rule['does']>> = {
  ACCEPT: 'accept',
  DROP: 'drop',
  REJECT: 'drop',
  RETURN: 'return',
  LOG: 'nothing',
  NFLOG: 'nothing',
};

function ruleOf(line: string, chain: string, words: readonly string[], packet: Packet): Rule {
  const matches: Match[] = [];
  let does: Rule['does'] = 'nothing';
  let aimed = false;
  for (let n = 0; n < words.length;) {
    const negated = words[n] === '!';
    const option = words[negated ? n + 1 : n] ?? '';
    n += negated ? 2 : 1;
    // Most options have one value, some have two or none.
    const first = n;
    while (n < words.length && !/^(!|-\D.*)$/.test(words[n] ?? '')) n++;
    const value = words[first] ?? '';
    if (option === '-j' || option === '--jump') does = targets[value] ?? { jump: value };
    else if (option === '-g') does = { jump: value };
    else if (!silent.has(option)) {
      const match = judge(option, value, packet);
      matches.push(negated ? inverted(match) : match);
      aimed ||= /^--(dport|destination-port|dports)$/.test(option) && match === 'yes' && !negated;
    }
  }
  const remove: Argv = ['iptables', '-D', chain, ...words];
  return { text: line, matches, does, aimed, remove };
}

export const inverted = (match: Match): Match => (match === 'yes' ? 'no' : match === 'no' ? 'yes' : 'maybe');
const isSo = (holds: boolean): Match => (holds ? 'yes' : 'no');

const inBy = ['-i', '--in-interface'];
const outBy = ['-o', '--out-interface'];

function judge(option: string, value: string, { protocol, port, by, way }: Packet): Match {
  if (option === '-p' || option === '--protocol') return isSo(value === protocol || value === 'all');
  const [own, other] = way === 'out' ? [outBy, inBy] : [inBy, outBy];
  if (other.includes(option)) return 'no';
  if (own.includes(option)) {
    if (by === undefined) return value === 'lo' ? 'no' : 'maybe';
    return isSo(value.endsWith('+') ? by.startsWith(value.slice(0, -1)) : value === by);
  }
  if (/^--(dport|destination-port|dports|destination-ports)$/.test(option))
    return isSo(value.split(',').some((part) => portIn(part, port)));
  if (option === '--state' || option === '--ctstate') return isSo(value.split(',').includes('NEW'));
  return 'maybe';
}
