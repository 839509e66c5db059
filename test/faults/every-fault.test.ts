import { expect, test } from 'vitest';
import { freshDom0, labsInProcess, run, struck } from './in-process.ts';
import { type FromNothing, world } from './kill-points.ts';

/*
 * Commands and looks that go wrong (docs/faults.md). Every command is refused, once and always; in the other ways each third command
 * and each tenth look go wrong, other ones for each way. With LAB_FAULTS=all every one of them, which takes hours.
 */

const all = process.env.LAB_FAULTS === 'all';

/** From one point to the next: three of the five commands whose failure nobody saw lay between the thirds. */
function strideOf(how: string): number {
  if (all || how.startsWith('refuse')) return 1;
  return how.startsWith('look') ? 10 : 3;
}

const ofCommands = ['refuse', 'refuse-always', 'crash', 'full', 'drop', 'reboot'] as const;
const ofLooks = ['look', 'look-always', 'look-drop'] as const;

interface Reference {
  readonly commands: number;
  readonly looks: number;
  readonly world: Readonly<Record<string, string>>;
}
const references = new Map<string, Promise<Reference>>();

/** A run in which nothing goes wrong, one thing at a time. `booted`: on a dom0 with the traces of a boot. */
function undisturbed(which: FromNothing, booted: boolean): Promise<Reference> {
  const make = async () => {
    const lab = labsInProcess[which];
    const { directory, gone } = await freshDom0(lab, booted);
    const { failed, commands, looks } = await run(lab, directory, { fault: 'fail:99999' });
    expect(failed).toEqual([]);
    const reference = { commands, looks, world: world(directory) };
    gone();
    return reference;
  };
  const key = `${which} ${booted}`;
  const known = references.get(key) ?? make();
  references.set(key, known);
  return known;
}

/** What a failure has to say: where, what, and that it was this. */
const cause =
  /LAB_FAULT|No space left|was killed|Broken pipe|cannot reach|lost|does not run|not so after|still missing/;

const cases = (['default', 'document'] as const).flatMap((which) =>
  [...ofCommands, ...ofLooks].map((how, n) => [which, how, n] as const),
);

/** A reboot empties /run (RHEL 5: /var/run), and with it the mount points that are left there. */
function lasting(how: string, tree: Reference['world']): Reference['world'] {
  if (how !== 'reboot') return tree;
  return Object.fromEntries(Object.entries(tree).filter(([path]) => !/^\/dom0\/(var\/)?run\//.test(path)));
}

test.each(cases)('the %s lab, %s', { timeout: 14_400_000 }, async (which, how, n) => {
  const reference = await undisturbed(which, how === 'reboot');
  const look = how.startsWith('look');
  const [points, stride] = [look ? reference.looks : reference.commands, strideOf(how)];
  expect(points).toBeGreaterThan(look ? 200 : 50);
  for (let at = 1 + (n % stride); at <= points; at += stride) {
    const { first, between, second, world: after } = await struck(which, `${how}:${at}`);
    const place = `${how}:${at} ${JSON.stringify(first.failed)}`;
    // Taken for whole, it is whole; otherwise the failure says why.
    if (first.failed.length === 0) expect(between, place).toEqual(reference.world);
    for (const { failure } of first.failed)
      expect([failure?.message, failure?.hint, ...(failure?.detail ?? [])].join('\n'), place).toMatch(cause);
    expect(second.failed, place).toEqual([]);
    expect(lasting(how, after), place).toEqual(lasting(how, reference.world));
  }
});
