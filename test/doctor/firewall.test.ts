import { expect, test } from 'vitest';
import { iptablesTable } from '../../src/doctor/firewall-iptables.ts';
import { nftTables } from '../../src/doctor/firewall-nft.ts';
import { fateOf, type Packet, type Table } from '../../src/doctor/firewall.ts';

const packet: Packet = { protocol: 'udp', port: 1229, by: 'xenbr0' };

const save = (policy: string, ...rules: readonly string[]) =>
  `*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n*filter\n:INPUT ${policy} [0:0]\n:FORWARD ACCEPT [0:0]\n:ours - [0:0]\n${rules.join('\n')}\nCOMMIT\n`;

const tables: readonly (readonly [string, 'through' | 'stopped' | 'unsure', string])[] = [
  ['no rules', 'through', save('ACCEPT')],
  ['a policy alone', 'stopped', save('DROP')],
  ['an exception', 'through', save('DROP', '-A INPUT -p udp -m udp --dport 1229 -j ACCEPT')],
  [
    'an exception of several ports',
    'through',
    save('DROP', '-A INPUT -p udp -m multiport --dports 53,1200:1300 -j ACCEPT'),
  ],
  [
    'an exception on another interface',
    'stopped',
    save('DROP', '-A INPUT -i eth0 -p udp -m udp --dport 1229 -j ACCEPT'),
  ],
  ['an exception for TCP', 'stopped', save('DROP', '-A INPUT -p tcp -m tcp --dport 1229 -j ACCEPT')],
  ['the bridge is trusted', 'through', save('DROP', '-A INPUT -i xenbr+ -j ACCEPT')],
  [
    'what is known already only',
    'stopped',
    save('DROP', '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'),
  ],
  [
    'a chain of its own that drops',
    'stopped',
    save('ACCEPT', '-A INPUT -j ours', '-A ours -p udp -m udp --dport 1229 -j DROP'),
  ],
  [
    'a chain of its own that returns',
    'through',
    save('ACCEPT', '-A INPUT -j ours', '-A ours -j RETURN', '-A ours -j DROP'),
  ],
  ['a source that cannot be judged', 'unsure', save('DROP', '-A INPUT -s 192.168.77.0/24 -j ACCEPT')],
  ['a set that cannot be judged', 'unsure', save('ACCEPT', '-A INPUT -m set --match-set bad src -j DROP')],
  ['another interface, negated', 'through', save('DROP', '-A INPUT ! -i eth0 -j ACCEPT')],
  [
    'logging is no verdict',
    'through',
    save('ACCEPT', '-A INPUT -p udp -m udp --dport 1229 -j LOG --log-prefix "fence: "'),
  ],
];

test.each(tables)('iptables: %s: %s', (_, fate, text) => {
  expect(fateOf([iptablesTable(text, packet) as Table]).is).toBe(fate);
});

const chain = (policy: string) => ({
  chain: { family: 'inet', table: 'filter', name: 'input', hook: 'input', type: 'filter', prio: 0, policy },
});
const rule = (...expr: readonly object[]) => ({
  rule: { family: 'inet', table: 'filter', chain: 'input', handle: 7, expr },
});
const dport = (right: unknown, protocol = 'udp') => ({
  match: { op: '==', left: { payload: { protocol, field: 'dport' } }, right },
});
const from = (device: string) => ({ match: { op: '==', left: { meta: { key: 'iifname' } }, right: device } });
const accept = { accept: null };
const drop = { drop: null };

const rulesets: readonly (readonly [string, 'through' | 'stopped' | 'unsure', readonly object[]])[] = [
  ['no rules', 'through', []],
  ['a policy alone', 'stopped', [chain('drop')]],
  ['an exception', 'through', [chain('drop'), rule(dport(1229), accept)]],
  ['an exception of a range', 'through', [chain('drop'), rule(dport({ range: [1200, 1300] }), accept)]],
  ['an exception of a set', 'through', [chain('drop'), rule(dport({ set: [53, 1229] }), accept)]],
  ['an exception for TCP', 'stopped', [chain('drop'), rule(dport(1229, 'tcp'), accept)]],
  ['a rule against it', 'stopped', [chain('accept'), rule(dport(1229), { counter: { packets: 3, bytes: 90 } }, drop)]],
  ['a rule against it elsewhere', 'through', [chain('accept'), rule(from('eth0'), dport(1229), drop)]],
  ['the bridge is trusted', 'through', [chain('drop'), rule(from('xenbr*'), accept)]],
  ['a limit cannot be judged', 'unsure', [chain('accept'), rule(dport(1229), { limit: { rate: 3 } }, drop)]],
];

test.each(rulesets)('nft: %s: %s', (_, fate, nftables) => {
  const text = JSON.stringify({ nftables: [{ metainfo: { json_schema_version: 1 } }, ...nftables] });
  expect(fateOf(nftTables(text, packet, () => false)).is).toBe(fate);
});

const out: Packet = { protocol: 'udp', port: 1229, way: 'out' };
const outwards: readonly (readonly [string, 'through' | 'stopped' | 'unsure', string])[] = [
  ['what comes in is another matter', 'through', save('DROP')],
  ['a rule against it', 'stopped', save('DROP', '-A OUTPUT -p udp -m udp --dport 1229 -j DROP')],
  ['a rule against it on some card', 'unsure', save('DROP', '-A OUTPUT -o eth0 -p udp -m udp --dport 1229 -j DROP')],
  ['what comes in by a card never goes out', 'through', save('DROP', '-A OUTPUT -i eth0 -j DROP')],
];

test.each(outwards)('iptables, outwards: %s: %s', (_, fate, text) => {
  const table = iptablesTable(text.replace('*filter', '*filter\n:OUTPUT ACCEPT [0:0]'), out);
  expect(fateOf([table as Table]).is).toBe(fate);
});

test('an exception goes into the table that stops the packet, with the words of its tool', () => {
  const [own] = nftTables(JSON.stringify({ nftables: [chain('drop')] }), packet, () => false);
  const accepts = iptablesTable(save('ACCEPT', '-A INPUT -p udp -m udp --dport 1229 -j ACCEPT'), packet);
  expect(fateOf([accepts as Table, own as Table])).toEqual({
    is: 'stopped',
    says: 'the policy of inet filter input, drop',
    exception: 'nft insert rule inet filter input iifname xenbr0 udp dport 1229 accept'.split(' '),
  });
  expect(fateOf([iptablesTable(save('DROP'), packet) as Table, own as Table])).toMatchObject({
    says: 'the policy of INPUT, drop',
    exception: 'iptables -I INPUT -i xenbr0 -p udp --dport 1229 -j ACCEPT'.split(' '),
  });
});

test('what is no ruleset has no tables', () => {
  expect(nftTables('Error: syntax', packet, () => false)).toEqual([]);
  expect(iptablesTable('', packet)).toBeUndefined();
});
