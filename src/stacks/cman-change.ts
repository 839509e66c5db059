import { NotYet, Unreachable } from '../model/errors.ts';
import type { Look } from '../model/step.ts';
import type { Lab } from '../spec/lab.ts';
import type { Broken } from '../steps/requirement.ts';
import { isTwoNode } from './cman-conf.ts';
import { cmanStatus } from './cman-tool.ts';
import { quorumKept } from './quorum-kept.ts';
import type { Running } from './stack.ts';

/**
 * two_node cannot change in a cman that runs: cman_tool(8) version -r takes new nodes, and not that flag. With two guests
 * and no quorum disk it is set, otherwise it is not.
 */
export async function cmanChangeable(look: Look, lab: Lab, guests: Running): Promise<Broken | undefined> {
  const of = `a cluster of ${lab.guests.length}${lab.cluster.tieBreaker ? ' with a quorum disk' : ''}`;
  for (const guest of lab.guests) {
    const { name } = guest;
    // dom0 is asked first: whether a guest is there is known when its boot has been judged.
    const twoNode = (await guests.isRunning(look, guest)) ? await runsAsTwo(look, name) : undefined;
    if (twoNode === undefined || twoNode === isTwoNode(lab)) continue;
    return {
      says: `cman runs on ${name} ${twoNode ? 'with' : 'without'} two_node, which ${of} ${twoNode ? 'cannot have' : 'needs'}, and which cannot change while it runs`,
      hint: 'stop the lab first: lab down, then lab up',
    };
  }
  return quorumKept(look, lab, guests);
}

/** Whether the cman of a guest runs with two_node; undefined: it does not run, or the guest is not there. */
async function runsAsTwo(look: Look, guest: string): Promise<boolean | undefined> {
  try {
    return (await cmanStatus(look.on(guest)))?.get('Flags')?.includes('2node');
  } catch (error) {
    if (error instanceof NotYet || error instanceof Unreachable) return undefined;
    throw error;
  }
}
