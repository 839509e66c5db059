import { expect, test } from 'vitest';
import { Cib } from '../../src/hosts/simulated/cib.ts';
import type { Machine } from '../../src/hosts/simulated/world.ts';

/** The CIB that a node has on its disk. */
const onDisk = (text: string | undefined) =>
  new Cib([{ state: { services: {} }, tree: { text: () => text } } as unknown as Machine], 'lolcats', [
    { id: 1, name: 'molly' },
  ]);

const nodes = (cib: Cib) => cib.all('node').map((at) => at.attributes.uname);

test('who changes a CIB changes no other one of the same text', () => {
  const fresh = onDisk(undefined);
  const { text } = fresh;
  const changes: ((cib: Cib) => unknown)[] = [
    (cib) => cib.know([{ id: 2, name: 'frederick' }]),
    (cib) => cib.forget('molly'),
    (cib) => cib.remove('nodes', '<node uname="molly"/>'),
    (cib) => cib.modify('nodes', '<nodes><node id="1" uname="mollie"/></nodes>', true),
  ];
  for (const change of changes) {
    const changed = onDisk(text);
    change(changed);
    expect(nodes(changed)).not.toEqual(['molly']);
    expect(nodes(onDisk(text))).toEqual(['molly']);
    expect(onDisk(text).text).toBe(text);
  }
});
