import { randomUUID } from 'node:crypto';
import { command } from '../model/change.ts';
import type { Host } from '../model/host.ts';
import type { Evidence, Trial } from '../model/step.ts';
import type { Lab } from '../spec/lab.ts';
import { Course } from './course.ts';
import { firstCommand, nameOf, type Ordeal, sayOrdeal } from './ordeal.ts';

/** What an ordeal is begun with, and told when it is really done to a guest. */
export interface Begun {
  /** The id of each guest's boot before. */
  readonly boots: ReadonlyMap<string, string>;
}

/**
 * A real fencing: a guest loses its power. Evidence is that its domain really restarted (another domain id, or off), that the
 * survivor kept its quorum, that nobody else was fenced, and that the shared file system went on with all that was written
 * before.
 * @param begun told when something is really done to a guest
 */
export function ordealTrial(lab: Lab, ordeal: Ordeal, begun: (state: Begun) => void): Trial {
  const what = `what runs in ${ordeal.way === 'split' ? 'one of the guests' : ordeal.victim.name}`;
  const says = sayOrdeal(lab, ordeal);
  return {
    kind: 'trial',
    id: `real.${nameOf(ordeal)}`,
    title:
      ordeal.way === 'split'
        ? 'Part the guests'
        : `Have ${ordeal.victim.name} fenced (${ordeal.way}${ordeal.direct ? ', directly' : ''})`,
    section: 'Setting up the cluster 4',
    on: ordeal.survivor.name,
    after: [],
    changes: [command(firstCommand(lab, ordeal), { why: says, destroys: what })],
    // Never met: a real fencing is asked for, not achieved.
    basis: async () => randomUUID(),
    run: (host) => endure(new Course(lab, ordeal, host), begun),
  };
}

async function endure(course: Course, begun: (state: Begun) => void): Promise<Evidence> {
  const absent = await course.absent();
  if (absent.length > 0) return course.failed('cluster', `not online before it began: ${absent.join(', ')}`);
  await course.prepare();
  begun({ boots: course.boots });
  try {
    return await course.run();
  } finally {
    await course.tidyUp();
  }
}

/** The chapter's last node: each guest is back, with a new boot where it was fenced. Its evidence tells when. */
export function rejoinedTrial(
  lab: Lab,
  ordeal: Ordeal,
  { loser, boots, began }: { loser: string; boots: ReadonlyMap<string, string>; began: number },
): Trial {
  return {
    kind: 'trial',
    id: `real.rejoined-${nameOf(ordeal)}`,
    title: `See that ${loser} is back`,
    section: 'Setting up the cluster 4',
    on: ordeal.survivor.name,
    after: [],
    changes: [],
    basis: async () => randomUUID(),
    async run(host: (name: string) => Host) {
      const course = new Course(lab, ordeal, host);
      return course.rejoined(loser, boots, began);
    },
  };
}
