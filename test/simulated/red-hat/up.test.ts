import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { documentLab, freshWorld } from './world.ts';

// http://ayanami.example/rhel5/os is test/document's and storage.test.ts's.
test.each(['http://ayanami.example/lvm', 'http://ayanami.example/rhel6'])(
  'the document’s dom0 becomes a lab with %s, and a second run changes nothing',
  async (location) => {
    const world = await freshWorld({}, documentLab(location));
    const first = await world.up();
    expect(first.failed.map(({ id, failure }) => `${id}: ${failure?.message}`)).toEqual([]);
    expect(first.summary).toMatchObject({ failed: 0, later: 0 });
    const before = readFileSync(world.at('', 'state.json'));
    const second = await world.up();
    expect(second.summary).toMatchObject({ changed: 0, later: 0, failed: 0 });
    expect(readFileSync(world.at('', 'state.json'))).toEqual(before);
  },
  60_000,
);
