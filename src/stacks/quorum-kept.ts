import type { Look } from '../model/step.ts';
import { leavingOf, type Lab } from '../spec/lab.ts';
import type { Broken } from '../steps/requirement.ts';
import type { Running } from './stack.ts';

/**
 * Guests leave a running cluster cleanly, and until it is told so their votes still count: those who stay must be more than half,
 * or one of two (two_node). Without quorum nothing could be fenced meanwhile, and the shared disk would stand still.
 * @param look with dom0 as its host
 */
export async function quorumKept(look: Look, lab: Lab, { isRunning }: Running): Promise<Broken | undefined> {
  const leaving = leavingOf(lab);
  const running = async (guests: readonly { readonly name: string }[]) => {
    const run = await Promise.all(guests.map((guest) => isRunning(look, guest)));
    return run.filter(Boolean).length;
  };
  const [going, staying] = await Promise.all([running(leaving), running(lab.guests)]);
  const all = leaving.length + staying;
  if (going === 0 || staying * 2 > all || (all === 2 && staying === 1)) return undefined;
  return {
    says: `lab.yaml takes ${leaving.map(({ name }) => name).join(', ')} out of a running cluster of ${all}: the ${staying} that would stay have no quorum`,
    hint: 'take fewer guests away at once, or stop the lab first: lab down, then lab up',
  };
}
