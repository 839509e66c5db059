import type { Argv } from '../model/host.ts';
import { inverted } from './firewall-iptables.ts';
import { type Match, type Packet, portIn, type Rule, type Table } from './firewall.ts';

type Json = { readonly [key: string]: unknown };

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;
const object = (value: unknown): Json => (isObject(value) ? value : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/**
 * `nft -j list ruleset` (libnftables-json(5)): every base chain on the hook `input` (or `output`), with what it jumps to.
 * @param besides tables that somebody else reads: those of iptables
 */
export function nftTables(
  text: string,
  packet: Packet,
  besides: (family: string, table: string) => boolean,
): readonly Table[] {
  let ruleset: readonly Json[];
  try {
    ruleset = list(object(JSON.parse(text)).nftables).map(object);
  } catch {
    return [];
  }
  const chains = ruleset.flatMap(({ chain }) => (isObject(chain) ? [chain] : []));
  const rules = ruleset.flatMap(({ rule }) => (isObject(rule) ? [rule] : []));
  const counts = ({ family, table }: Json) =>
    ['ip', 'inet'].includes(String(family)) && !besides(String(family), String(table));
  const { protocol, port, by, way } = packet;
  const match = [
    ...(by === undefined ? [] : [way === 'out' ? 'oifname' : 'iifname', by]),
    protocol,
    'dport',
    String(port),
  ];
  return chains
    .filter((chain) => chain.hook === (way === 'out' ? 'output' : 'input') && counts(chain))
    .map(({ family, table, name, policy }) => {
      const own = rules.filter((rule) => rule.family === family && rule.table === table);
      const byChain = new Map<string, Rule[]>();
      for (const rule of own)
        byChain.set(String(rule.chain), [...(byChain.get(String(rule.chain)) ?? []), ruleOf(rule, packet)]);
      const where = [family, table, name].map(String);
      return {
        entry: String(name),
        name: where.join(' '),
        policy: policy === 'drop' ? 'drop' : 'accept',
        chains: byChain,
        // At the head of the base chain: what is accepted there is asked nothing more by this table.
        exception: ['nft', 'insert', 'rule', ...where, ...match, 'accept'],
      };
    });
}

function ruleOf(rule: Json, packet: Packet): Rule {
  const where = [rule.family, rule.table, rule.chain].map(String);
  const matches: Match[] = [];
  let does: Rule['does'] = 'nothing';
  let aimed = false;
  for (const statement of list(rule.expr).map(object)) {
    const [kind = '', value] = Object.entries(statement)[0] ?? [];
    if (kind === 'accept' || kind === 'drop' || kind === 'return') does = kind;
    else if (kind === 'reject') does = 'drop';
    else if (kind === 'jump' || kind === 'goto') does = { jump: String(object(value).target) };
    else if (kind === 'match') {
      const { left, right, op } = object(value);
      const match = judge(object(left), right, packet);
      matches.push(op === '!=' ? inverted(match) : match);
      aimed ||= object(object(left).payload).field === 'dport' && match === 'yes' && op !== '!=';
    } else if (!['counter', 'log', 'comment'].includes(kind)) matches.push('maybe');
  }
  const remove = ['nft', 'delete', 'rule', ...where, 'handle', String(rule.handle)] as unknown as Argv;
  return { text: `${where.join(' ')} handle ${rule.handle}`, matches, does, aimed, remove };
}

/** The values that the right side of a match allows: one, a list, a set, a range. */
function allows(right: unknown, is: (value: string) => boolean): boolean {
  if (isObject(right) && 'range' in right) return is(list(right.range).map(String).join('-'));
  const many = Array.isArray(right) ? right : isObject(right) ? list(right.set) : undefined;
  return many ? many.some((one) => allows(one, is)) : is(String(right));
}

function judge(left: Json, right: unknown, { protocol, port, by, way }: Packet): Match {
  const { protocol: header, field } = object(left.payload);
  const { key } = object(left.meta);
  const isSo = (is: (value: string) => boolean): Match => (allows(right, is) ? 'yes' : 'no');
  if (field === 'dport' && (header === 'udp' || header === 'tcp' || header === 'th')) {
    return header === protocol || header === 'th' ? isSo((value) => portIn(value, port)) : 'no';
  }
  if (field === 'protocol' && header === 'ip') return isSo((value) => value === protocol);
  if (key === 'l4proto') return isSo((value) => value === protocol);
  if (key === 'nfproto') return isSo((value) => value === 'ipv4');
  const [own, other] = way === 'out' ? ['oif', 'iif'] : ['iif', 'oif'];
  if (key === other || key === `${other}name`) return 'no';
  if (key === own || key === `${own}name`) {
    if (by === undefined) return allows(right, (value) => value !== 'lo') ? 'maybe' : 'no';
    return isSo((value) => (value.endsWith('*') ? by.startsWith(value.slice(0, -1)) : value === by));
  }
  if (object(left.ct).key === 'state') return isSo((value) => value === 'new');
  return 'maybe';
}
