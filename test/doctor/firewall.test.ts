import { expect, test } from 'vitest';
import { iptablesTable } from '../../src/doctor/firewall-iptables.ts';
import { nftTables } from '../../src/doctor/firewall-nft.ts';
import { fateOf, type Packet, type Table } from '../../src/doctor/firewall.ts';

const packet: Packet = { protocol: 'udp', port: 1229, by: 'xenbr0' };

const save = (policy: string, ...rules: readonly string[]) =>
  `*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n*filter\n:INPUT ${policy} [0:0]\n:FORWARD ACCEPT [0:0]\n:ours - [0:0]\n${rules.join('\n')}\nCOMMIT\n`;

const tables: readonly (readonly [string, 'in' | 'out' | 'unsure', string])[] = [
  ['no rules', 'in', save('ACCEPT')],
  ['a policy alone', 'out', save('DROP')],
  ['an exception', 'in', save('DROP', '-A INPUT -p udp -m udp --dport 1229 -j ACCEPT')],
  ['an exception of several ports', 'in', save('DROP', '-A INPUT -p udp -m multiport --dports 53,1200:1300 -j ACCEPT')],
  ['an exception on another interface', 'out', save('DROP', '-A INPUT -i eth0 -p udp -m udp --dport 1229 -j ACCEPT')],
  ['an exception for TCP', 'out', save('DROP', '-A INPUT -p tcp -m tcp --dport 1229 -j ACCEPT')],
  ['the bridge is trusted', 'in', save('DROP', '-A INPUT -i xenbr+ -j ACCEPT')],
  ['what is known already only', 'out', save('DROP', '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT')],
  [
    'a chain of its own that drops',
    'out',
    save('ACCEPT', '-A INPUT -j ours', '-A ours -p udp -m udp --dport 1229 -j DROP'),
  ],
  ['a chain of its own that returns', 'in', save('ACCEPT', '-A INPUT -j ours', '-A ours -j RETURN', '-A ours -j DROP')],
  ['a source that cannot be judged', 'unsure', save('DROP', '-A INPUT -s 192.168.77.0/24 -j ACCEPT')],
  ['a set that cannot be judged', 'unsure', save('ACCEPT', '-A INPUT -m set --match-set bad src -j DROP')],
  ['another interface, negated', 'in', save('DROP', '-A INPUT ! -i eth0 -j ACCEPT')],
  ['logging is no verdict', 'in', save('ACCEPT', '-A INPUT -p udp -m udp --dport 1229 -j LOG --log-prefix "fence: "')],
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

const rulesets: readonly (readonly [string, 'in' | 'out' | 'unsure', readonly object[]])[] = [
  ['no rules', 'in', []],
  ['a policy alone', 'out', [chain('drop')]],
  ['an exception', 'in', [chain('drop'), rule(dport(1229), accept)]],
  ['an exception of a range', 'in', [chain('drop'), rule(dport({ range: [1200, 1300] }), accept)]],
  ['an exception of a set', 'in', [chain('drop'), rule(dport({ set: [53, 1229] }), accept)]],
  ['an exception for TCP', 'out', [chain('drop'), rule(dport(1229, 'tcp'), accept)]],
  ['a rule against it', 'out', [chain('accept'), rule(dport(1229), { counter: { packets: 3, bytes: 90 } }, drop)]],
  ['a rule against it elsewhere', 'in', [chain('accept'), rule(from('eth0'), dport(1229), drop)]],
  ['the bridge is trusted', 'in', [chain('drop'), rule(from('xenbr*'), accept)]],
  ['a limit cannot be judged', 'unsure', [chain('accept'), rule(dport(1229), { limit: { rate: 3 } }, drop)]],
];

test.each(rulesets)('nft: %s: %s', (_, fate, nftables) => {
  const text = JSON.stringify({ nftables: [{ metainfo: { json_schema_version: 1 } }, ...nftables] });
  expect(fateOf(nftTables(text, packet, () => false)).is).toBe(fate);
});

test('what is no ruleset has no tables', () => {
  expect(nftTables('Error: syntax', packet, () => false)).toEqual([]);
  expect(iptablesTable('', packet)).toBeUndefined();
});
