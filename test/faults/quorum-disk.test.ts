import { expect, test } from 'vitest';
import { documentLab, freshWorld } from '../simulated/red-hat/world.ts';
import { withQuorumDisk } from '../simulated/world.ts';

// Whole labs with a quorum disk: too much for each `npm test`. Pacemaker's is in test/simulated/storage.test.ts.

test.each(['rhel5/os', 'rhel6'])(
  'the document’s lab with a quorum disk, %s, twice',
  { timeout: 60_000 },
  async (of) => {
    const world = await freshWorld({}, withQuorumDisk(documentLab(`http://ayanami.example/${of}`)));
    expect((await world.up()).failed).toEqual([]);
    const status = (await world.sh('molly', 'cman_tool status')).stdout;
    for (const line of ['Expected votes: 3', 'Quorum device votes: 1', 'Total votes: 3', 'Flags: '])
      expect(status.split('\n')).toContain(line);
    expect((await world.sh('molly', 'cman_tool nodes')).stdout).toMatch(/^ {3}0 {3}M {6}0 .* \/dev\/xvdb$/m);
    expect((await world.up()).summary).toMatchObject({ changed: 0, later: 0, failed: 0 });
  },
);
