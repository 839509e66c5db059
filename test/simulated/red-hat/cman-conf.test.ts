import { expect, test } from 'vitest';
import { readConf } from '../../../src/hosts/simulated/red-hat/cman-conf.ts';
import type { Tree } from '../../../src/hosts/simulated/tree.ts';

const read = (text: string) => readConf({ text: () => text } as unknown as Tree);

test('what cluster.rng does not allow is told as xmllint(1) tells it', () => {
  const conf = read('<cluster name="a"><clusternodes><clusternode name="b"/></clusternodes><other/></cluster>');
  expect(conf).toMatchObject({
    invalid: [
      'Element cluster lacks attribute config_version',
      'Invalid attribute config_version for element cluster',
      'Extra element other in interleave',
      'Element clusternode lacks attribute nodeid',
    ],
  });
});

test('what is no cluster.conf is a message', () => {
  expect(read('<cluster')).toMatch(/^parser error : /);
  expect(read('<cib/>')).toBe('parser error : no <cluster>');
});
