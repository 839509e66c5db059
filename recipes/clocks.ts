import { command } from '../src/model/change.ts';
import type { Look, Node, Step } from '../src/model/step.ts';
import type { Lab } from '../src/spec/lab.ts';
import { toolstackOf } from '../src/toolstacks/index.ts';

/** Seconds that a clock may be off: a look at it takes a while on a slow machine. */
const tolerance = 30;

/** Sets the clocks of dom0 and of the guests that run by this machine's: after a saved state was resumed, it is then there still. */
export function clocksSet(lab: Lab, after: readonly Node[]): readonly Step[] {
  const dom0 = clockSet('dom0', after, async () => true);
  const guests = lab.guests.map((guest) =>
    clockSet(guest.name, [dom0], (look) => toolstackOf(lab).isRunning({ ...look, host: look.on('dom0') }, guest)),
  );
  return [dom0, ...guests];
}

function clockSet(on: string, after: readonly Node[], runs: (look: Look) => Promise<boolean>): Step {
  return {
    kind: 'step',
    id: `snapshot.clock-${on}`,
    title: `Set the clock of ${on}`,
    section: '',
    on,
    after,
    async check(look) {
      if (!(await runs(look))) return [];
      const theirs = Number((await look.host.read(['date', '+%s'])).stdout.trim());
      const now = Math.round(Date.now() / 1000);
      return Math.abs(theirs - now) <= tolerance ? [] : [command(['date', '-u', '-s', `@${now}`])];
    },
  };
}
