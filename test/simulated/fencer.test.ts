import { expect, test } from 'vitest';
import { labThatIsUp, loseFencer } from './world.ts';

test('a fencer that did not get the cluster’s configuration is started again, once', async () => {
  const world = await labThatIsUp();
  const asked = 'journalctl -b -q -o cat -t pacemaker-fenced -n 1';
  await loseFencer(world, 'molly');
  expect((await world.sh('molly', asked)).stdout).toMatch(/^Could not connect/);
  expect((await world.up()).summary).toMatchObject({ changed: 1, failed: 0 });
  expect((await world.sh('molly', asked)).stdout).toBe('Starting Pacemaker fencer\n');
  expect((await world.up()).summary).toMatchObject({ changed: 0, failed: 0 });
});
