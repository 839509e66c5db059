import { expect, test } from 'vitest';
import { lostOnDom0 } from '../../src/doctor/routes.ts';
import type { Reader } from '../../src/model/host.ts';
import type { Guest } from '../../src/spec/lab.ts';
import { lab } from '../simulated/world.ts';

const frederick = lab.guests[1] as Guest;
const refused = (why: string) => ({ code: 2, stdout: '', stderr: `RTNETLINK answers: ${why}\n` });
const way = (says: string) => ({ code: 0, stdout: `${says} uid 0 \n    cache \n`, stderr: '' });
const toEth0 = way('192.168.77.12 dev eth0 src 10.0.2.15');
const over10 = way('192.168.77.12 via 10.0.2.2 dev eth0 src 10.0.2.15');
const usual = '192.168.77.0/24 dev xenbr0 proto kernel scope link src 192.168.77.1 \n';
const otherwise = 'default via 10.0.2.2 dev eth0 \n';
const replaced = 'ip route replace 192.168.77.0/24 dev xenbr0 src 192.168.77.1';

/** What iproute2 6.1 says to `ip route get` and to `ip route show to match`, and the command that cured it; all measured. */
const table: readonly (readonly [string, ReturnType<typeof refused>, string, string | undefined])[] = [
  ['all is well', way('192.168.77.12 dev xenbr0 src 192.168.77.1'), otherwise + usual, undefined],
  ['no route at all', refused('Network is unreachable'), '', replaced],
  ['only the default route', over10, otherwise, replaced],
  [
    'a blackhole',
    refused('Invalid argument'),
    `${usual}blackhole 192.168.77.12 \n`,
    'ip route del blackhole 192.168.77.12',
  ],
  [
    'unreachable',
    refused('No route to host'),
    `${usual}unreachable 192.168.77.12 \n`,
    'ip route del unreachable 192.168.77.12',
  ],
  [
    'prohibited',
    refused('Permission denied'),
    `${usual}prohibit 192.168.77.12 \n`,
    'ip route del prohibit 192.168.77.12',
  ],
  ['thrown', refused('Network is unreachable'), `${usual}throw 192.168.77.12 \n`, 'ip route del throw 192.168.77.12'],
  [
    'another card',
    toEth0,
    `${otherwise}${usual}192.168.77.12 dev eth0 scope link \n`,
    'ip route del unicast 192.168.77.12 dev eth0',
  ],
  [
    'the longest prefix of several, with its metric',
    refused('Invalid argument'),
    `${otherwise}192.168.77.0/28 via 10.0.2.2 dev eth0 \n${usual}blackhole 192.168.77.12 metric 7 \n`,
    'ip route del blackhole 192.168.77.12 metric 7',
  ],
  [
    'several hops',
    toEth0,
    `${otherwise}${usual}192.168.77.12 \n\tnexthop via 10.0.2.2 dev eth0 weight 1 \n\tnexthop via 10.0.2.3 dev eth0 weight 1 \n`,
    'ip route del unicast 192.168.77.12',
  ],
  [
    'a narrow route, and nothing good below it',
    refused('Permission denied'),
    `${otherwise}prohibit 192.168.77.12 \n`,
    'ip route replace 192.168.77.12 dev xenbr0 src 192.168.77.1',
  ],
  ['a blackhole instead of the network', refused('Invalid argument'), 'blackhole 192.168.77.0/24 \n', replaced],
  [
    'policy routing',
    way('192.168.77.12 via 10.0.2.2 dev eth0 table 100 src 10.0.2.15'),
    otherwise + usual,
    'ip rule show',
  ],
];

const dom0 = (get: ReturnType<typeof refused>, routes: string) =>
  ({
    read: async (argv: readonly string[]) => {
      const said = { 'ip route get 192.168.77.12': get, 'ip route show to match 192.168.77.12': way('') }[
        argv.join(' ')
      ];
      if (!said) throw new Error(`not expected: ${argv.join(' ')}`);
      return { argv, ...said, ...(argv.includes('show') ? { stdout: routes } : {}) };
    },
  }) as unknown as Reader;

test.each(table)('%s', async (_, get, routes, command) => {
  const lost = await lostOnDom0(dom0(get, routes), lab, frederick);
  expect(lost?.cause.cure.command).toBe(command);
  expect(lost?.cause.name).toBe(command && 'no-route');
  // What only looks is typed; what --fix makes is what is shown.
  const change = lost?.cause.cure.change;
  expect(change && 'argv' in change && change.argv.join(' ')).toBe(command === 'ip rule show' ? undefined : command);
});

test('the route of a network that another card has an address in is not taken away by lab', async () => {
  const routes = `192.168.77.0/24 dev eth0 proto kernel scope link src 192.168.77.9 \n${usual.trim()} metric 5 \n`;
  const lost = await lostOnDom0(dom0(toEth0, routes), lab, frederick);
  expect(lost?.cause.cure).toMatchObject({ command: 'ip route del unicast 192.168.77.0/24 dev eth0' });
  expect(lost?.cause.cure.change).toBeUndefined();
});
