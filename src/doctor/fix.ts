import { type Change, sayChange, wait } from '../model/change.ts';
import { mustRun } from '../model/must-run.ts';
import type { Chapter, Step } from '../model/step.ts';
import type { Cause, Probe } from './probe.ts';

/** As long as a guest may take to boot on the reference machine (ms). */
const limit = 240_000;

/**
 * The cure of one cause as a chapter for the engine: a step that is met when the probe of its layer does not find the cause any
 * more. A cause that only the path shows has no probe: its cure is made once, and judged by the next examination.
 * @returns undefined for a cure that is no single change
 */
export function doctorChapter(probes: readonly Probe[], layer: string, cause: Cause): Chapter | undefined {
  const { change, where, until, says, command } = cause.cure;
  if (!change || where === undefined) return undefined;
  const probe = (name: string | undefined) => probes.find((one) => one.layer === name);
  let made = false;
  const once: Change = {
    is: 'act',
    says: sayChange(change),
    async act(host) {
      if (change.is !== 'command') return;
      await mustRun(host, change.argv);
      made = true;
    },
  };
  const step: Step = {
    kind: 'step',
    id: 'doctor.fix',
    title: `Cure ${cause.name}: ${says}`,
    section: '',
    on: where,
    after: [],
    settle: { within: limit, hint: `by hand, on ${where}: ${command}` },
    async check(look): Promise<readonly Change[]> {
      const now = await probe(layer)?.run(look);
      if (now === undefined) return made ? [] : [once];
      // A moment later the same cure may have another text: the time to set a clock to.
      if (now.state === 'broken' && now.cause?.name === cause.name) return [now.cause.cure.change ?? change];
      const then = await probe(until)?.run(look);
      if (then?.state !== 'broken') return [];
      return [wait(`wait: ${then.saw}`)];
    },
  };
  return { id: 'doctor', title: 'The cure', nodes: [step] };
}
