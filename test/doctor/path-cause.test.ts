import { expect, test } from 'vitest';
import { diagnose } from '../../src/doctor/diagnose.ts';
import { devicesIn, groupInHex } from '../../src/doctor/listener.ts';
import { pathCause, type Tried } from '../../src/doctor/path-cause.ts';
import type { Finding } from '../../src/doctor/probe.ts';
import { seconds } from '../../src/doctor/fencing-resources.ts';
import type { Guest } from '../../src/spec/lab.ts';
import { lab } from '../simulated/world.ts';

const [molly] = lab.guests as [Guest];
const sent = `Reading in key file /etc/cluster/fence_xvm.key into 0x7ffd737bcec0 (4096 max size)
Actual key length = 4096 bytes
Sending to 225.0.0.12 via 127.0.0.1
Sending to 225.0.0.12 via 192.168.77.11
Waiting for connection from XVM host daemon.
`;
const timedOut = `${sent}Timed out waiting for response\nOperation failed\n`;
const passed = `${sent}Issuing TCP challenge
Responding to TCP challenge
TCP Exchange + Authentication done...
Waiting for return value from XVM host
Operation failed
`;
const request = 'Request 0 seqno 4711 domain frederick\nPlain TCP request\n';

/** What the client printed, its exit code, what fence_virtd logged meanwhile, what else is known; the cause. */
const table: readonly (readonly [string, Partial<Tried>, string | undefined, number?])[] = [
  ['all holds', { output: passed, code: 1, log: request }, undefined],
  ['all holds, a daemon that does not tell', { output: passed, code: 1, log: undefined }, undefined],
  ['an answer from elsewhere', { output: passed, code: 1, log: '' }, 'another-host-answers'],
  [
    '1: dom0 is in the group, and hears nothing',
    { output: timedOut, log: '', joined: true, dom0Lists: true },
    'host-firewall',
    1,
  ],
  [
    '1 no more: its rules were read, and let it in',
    { output: timedOut, log: '', joined: true, open: true, dom0Lists: true },
    'request-lost',
    10,
  ],
  [
    'a guest that does not let its requests out',
    {
      output: timedOut.replace('Waiting', 'Unable to send packet to 225.0.0.12 via 192.168.77.11\nWaiting'),
      log: '',
      joined: true,
      dom0Lists: true,
    },
    'guest-firewall-out',
  ],
  [
    'a guest that only cannot send from an address that nobody asks',
    {
      output: timedOut.replace('Waiting', 'Unable to send packet to 225.0.0.12 via 192.168.77.110\nWaiting'),
      log: '',
      dom0Lists: true,
    },
    'request-lost',
    10,
  ],
  ['2: dom0 hears, and is not let in', { output: timedOut, log: `${request}Failed to call back` }, 'guest-firewall', 2],
  ['2: dom0 hears, and is still connecting', { output: timedOut, log: request }, 'guest-firewall', 2],
  [
    '3: dom0 hears, and has no route',
    { output: timedOut, log: `${request}connect: Network is unreachable\nFailed to call back` },
    'no-route',
    3,
  ],
  [
    '4: another key',
    { output: timedOut, log: 'Hash mismatch:\nPKT = 00\nEXP = 11\nKey mismatch; dropping packet' },
    'keys-differ',
    4,
  ],
  [
    '5: no key, without -k',
    {
      output: `Could not read /etc/cluster/fence_xvm.key; trying without authentication\n${timedOut}`,
      log: 'Hash type not strong enough (0 < 2)',
    },
    'key-missing-in-guest',
    5,
  ],
  ['5: no key, with -k', { output: "Invalid key file: '/k'\nusage: fence_xvm [args]\n" }, 'key-missing-in-guest', 5],
  [
    '5: told by the daemon alone',
    { output: timedOut, log: 'Hash type not strong enough (0 < 2)' },
    'key-missing-in-guest',
    5,
  ],
  ['no client in the guest', { output: 'sh: 1: fence_xvm: not found\n', code: 127 }, 'fence_xvm-missing'],
  ['10: a weaker hash', { output: timedOut, log: 'Hash type not strong enough (1 < 2)' }, 'hash-differs', 10],
  [
    '10: another challenge (-C sha1)',
    {
      output: `${sent}Issuing TCP challenge\nHash mismatch:\nInvalid response to challenge\nOperation failed\n`,
      log: request,
    },
    'hash-differs',
    10,
  ],
  [
    '10: no challenge (-C none)',
    { output: `${sent}Unknown response (-1)\n`, code: 255, log: request },
    'hash-differs',
    10,
  ],
  ['10: another address family', { output: timedOut, log: 'Ignoring 192.168.77.11: wrong family' }, 'wrong-family', 10],
  ['10: lost on the way', { output: timedOut, log: '', dom0Lists: true }, 'request-lost', 10],
  ['deaf to dom0 too', { output: timedOut, log: '', dom0Lists: false, joined: true }, 'fence_virtd-deaf'],
  [
    'a guest without an address',
    { output: 'Sending to 225.0.0.12 via 127.0.0.1\nTimed out waiting for response\nOperation failed\n', log: '' },
    'guest-without-address',
  ],
  [
    'the port of the guest is taken',
    { output: 'Failed to listen: Address already in use\n', code: 255 },
    'guest-port-taken',
  ],
  [
    'groups deny',
    { output: `${passed.replace('Operation failed', 'Permission denied')}`, code: 3, log: request },
    'denied-by-groups',
  ],
  ['a daemon that does not tell', { output: timedOut, log: undefined }, 'log-silent'],
  ['an answer that is none', { output: passed.replace('Operation failed\n', ''), code: 0, log: request }, 'no-answer'],
];

const rows = table.map(([title, tried, name, number]) => ({ title, tried, name, number }));

test.each(rows)('$title', ({ tried, name, number }) => {
  const cause = pathCause(lab, { from: molly, output: '', code: 1, log: '', ...tried });
  expect(cause?.name).toBe(name);
  expect(cause?.number).toBe(number);
});

test('what a layer could not decide is the cause, if nothing is heard', () => {
  const suspect = { name: 'host-firewall', number: 1, says: 'a rule of firewalld', cure: { says: '', command: '' } };
  const tried = { from: molly, output: timedOut, code: 1, log: '', dom0Lists: true, suspects: [suspect] };
  expect(pathCause(lab, tried)).toBe(suspect);
});

test('the first broken layer is the cause; without any, only a path that holds is health', () => {
  const finding = (layer: string, state: Finding['state']): Finding => ({
    layer,
    state,
    saw: '',
    ...(state === 'broken' ? { cause: { name: layer, says: layer, cure: { says: '', command: '' } } } : {}),
  });
  const of = (...findings: Finding[]) => diagnose(findings);
  expect(of(finding('a', 'holds'), finding('b', 'broken'), finding('c', 'broken')).cause?.name).toBe('b');
  expect(of(finding('listener', 'unknown'), finding('path', 'holds'))).toEqual({
    allHold: true,
    says: 'all layers hold',
  });
  expect(of(finding('a', 'holds'), finding('path', 'unknown'))).toEqual({
    allHold: false,
    says: 'nothing broken was seen, but these could not be looked at: path',
  });
});

test('/proc/net/igmp names groups backwards', () => {
  expect(groupInHex('225.0.0.12')).toBe('0C0000E1');
  const text = `Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter
2\teth0      :     2      V3
\t\t\t\t0C0000E1     1 0:00000000\t\t0
3\txenbr0    :     1      V3
\t\t\t\t010000E0     1 0:00000000\t\t0
`;
  expect(devicesIn('225.0.0.12', text)).toEqual(['eth0']);
});

test('times as pacemaker writes them', () => {
  expect(['10s', '2min', '500ms', '30', undefined, '1h'].map(seconds)).toEqual([10, 120, 0.5, 30, 0, 3600]);
});
