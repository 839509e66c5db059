import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dryRun } from '../../src/engine/dry-run.ts';
import { up } from '../../src/engine/up.ts';
import { Applier } from '../../src/engine/apply.ts';
import { type Change, command, file } from '../../src/model/change.ts';
import { NotYet, Refused } from '../../src/model/errors.ts';
import type { Host } from '../../src/model/host.ts';
import type { Step } from '../../src/model/step.ts';
import { rig, step } from './rig.ts';

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

/** Ends when the other one has begun. */
function waiting(id: string, begun: Set<string>, other: string, more: Partial<Step>): Step {
  let done = false;
  const act = async () => {
    begun.add(id);
    for (let n = 0; n < 100 && !begun.has(other); n++) await new Promise((wake) => setTimeout(wake, 1));
    if (!begun.has(other)) throw new Error(`${other} never began`);
    done = true;
  };
  return step(id, [], async () => (done ? [] : [{ is: 'act', says: id, act }]), more);
}

test.each([
  ['together', 0],
  [undefined, 1],
])('with a fault one thing is done at a time, but for what has to be together: %s', async (together, failed) => {
  const begun = new Set<string>();
  const more = together === undefined ? {} : { together };
  const { options } = rig([waiting('a', begun, 'b', more), waiting('b', begun, 'a', more)]);
  expect((await up({ ...options, fault: { how: 'fail', at: 99 } })).failed).toBe(failed);
});

test('a command that ends with 0 and says that it did nothing has failed', async () => {
  const declined = ({ stdout }: { stdout: string }) =>
    stdout === 'Good thinking.\n' ? 'it was not asked well' : undefined;
  const ask = command(['mkqdisk'], { declined });
  const answering = async (stdout: string) => {
    const { options } = rig([]);
    const host = {
      ...options.hosts.host('dom0'),
      run: async () => ({ argv: ask.is === 'command' ? ask.argv : ['x'], code: 0, stdout, stderr: '' }),
    };
    return new Applier(undefined, async () => 1).apply(ask, host as Host, () => {});
  };
  await expect(answering('Good thinking.\n')).rejects.toThrow(
    '`mkqdisk` ended with exit code 0 and did nothing: it was not asked well',
  );
  await expect(answering('done\n')).resolves.toBeUndefined();
});

/** A file that holds the contents of the files of the steps before it: their order shows in it. */
function link(id: string, before: readonly Step[]): Step {
  return step(id, before, async ({ host }) => {
    const parts = await Promise.all(before.map(async ({ id: other }) => text(await host.readFile(other)) ?? '?'));
    const wanted = `${id}(${parts.join(',')})`;
    return text(await host.readFile(id)) === wanted ? [] : [file(id, 0o644, wanted)];
  });
}

/** Random graphs of such steps: each comes after some of those before it. */
const graphs = fc
  .array(fc.array(fc.nat({ max: 20 }), { maxLength: 3 }), { minLength: 1, maxLength: 12 })
  .map((rows) => {
    const nodes: Step[] = [];
    for (const [n, picks] of rows.entries()) {
      const before = n === 0 ? [] : [...new Set(picks.map((pick) => pick % n))].map((index) => nodes[index] as Step);
      nodes.push(link(`s${n}`, before));
    }
    return nodes;
  });

test('up makes every step so, in an order that the graph allows; the second changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(graphs, async (nodes) => {
      const first = rig(nodes);
      expect(await up(first.options)).toMatchObject({ changed: nodes.length, failed: 0 });
      const second = rig(nodes, first.files);
      expect(await up(second.options)).toMatchObject({ met: nodes.length, changed: 0 });
      expect(second.writes).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('a dry-run writes nothing, and shows the very bytes that up then writes, also where they follow from one another', async () => {
  await fc.assert(
    fc.asyncProperty(graphs, fc.nat({ max: 11 }), async (nodes, done) => {
      // A world half way: some first files are there, one of them spoilt.
      const whole = rig(nodes);
      await up(whole.options);
      const half = new Map([...whole.files].slice(0, done));
      if (half.size > 0) half.set('s0', 'spoilt');
      const plan = rig(nodes, new Map(half));
      await dryRun(plan.options);
      expect(plan.files).toEqual(half);
      const after = rig(nodes, new Map(half));
      await up(after.options);
      const bytes = (changes: readonly Change[]) =>
        changes.map((change) => (change.is === 'file' ? Buffer.from(change.after).toString() : ''));
      const shown = new Map(plan.steps.map(({ id, changes }) => [id, bytes(changes)]));
      for (const { id, changes } of after.steps) expect(shown.get(id)).toEqual(bytes(changes));
      expect(after.files).toEqual(whole.files);
    }),
    { numRuns: 60 },
  );
});

test('after a failure nothing new begins, what comes after it is later, and the journal tells', async () => {
  const good = link('good', []);
  const bad = step('bad', [good], async () => {
    throw new Error('no');
  });
  const { options, steps, journal } = rig([good, bad, link('rest', [])].concat(step('after', [bad], async () => [])));
  expect(await up(options)).toMatchObject({ failed: 1 });
  expect(steps.find(({ id }) => id === 'after')?.verdict).toBe('later');
  expect((await journal.entries()).filter(({ is }) => is === 'failed')).toHaveLength(1);
});

test('a step that never agrees ends in an error with its hint and what it saw', async () => {
  const never = step('never', [], async () => [file('x', 0o644, String(Math.random()))], {
    settle: { within: 20, hint: 'look at x', diagnose: async () => ['the last line'] },
  });
  const { options, steps } = rig([never]);
  await up(options);
  expect(steps[0]).toMatchObject({
    verdict: 'failed',
    failure: { name: 'DidNotSettle', hint: 'look at x', detail: ['the last line'] },
  });
});

test.each([
  ['as often as the step allows', 2, 'change'],
  ['no more than that', 3, 'failed'],
] as const)('a change that comes undone while it is awaited is made again, %s', async (_, undone, verdict) => {
  const files = new Map<string, string>();
  let times = 0;
  const restarted = step(
    'restarted',
    [],
    async () => {
      if (!files.has('config')) return [file('config', 0o644, '')];
      if (times++ < undone) files.delete('config');
      return files.has('config') ? [] : [file('config', 0o644, '')];
    },
    { settle: { within: 200, repeats: 2, hint: 'look' } },
  );
  const { options, steps, writes } = rig([restarted], files);
  await up(options);
  expect(steps[0]).toMatchObject({ verdict });
  expect(writes).toHaveLength(3);
});

test('what should last and has ended is not awaited any longer', async () => {
  const started = step('started', [], async () => [file('pid', 0o644, '')], {
    settle: { within: 600_000, repeats: 1, lasts: true, hint: 'look', diagnose: async () => ['Panic on CPU 0'] },
  });
  const { options, steps, writes } = rig([started]);
  await up(options);
  expect(writes).toHaveLength(2);
  expect(steps[0]).toMatchObject({
    verdict: 'failed',
    failure: {
      message: expect.stringMatching(/^ended after \d+ s of 600 s; still missing: pid$/),
      detail: ['Panic on CPU 0'],
    },
  });
});

test('what waits for a host is later in the plan, and names what provides it', async () => {
  const boot = step('boot', [], async ({ host }) => ((await host.stat('up')) ? [] : [file('up', 0o644, '')]), {
    provides: 'molly',
  });
  const inside = step('inside', [boot], async ({ host }) => ((await host.stat('up')) ? [] : []), { on: 'molly' });
  const { options, steps } = rig([boot, inside]);
  await dryRun(options);
  expect(steps).toMatchObject([{ verdict: 'change' }, { verdict: 'later', waitsFor: 'boot' }]);
});

test('what refuses because of a host that is there refuses in every look, also before the step that provides it', async () => {
  const files = new Map([['up', '']]);
  const refuses = step('refuses', [], async (look) => {
    await look.host.stat('up');
    const there = await look
      .on('molly')
      .stat('up')
      .catch(() => undefined);
    if (there) throw new Refused('molly does not allow it', 'lab down');
    return [];
  });
  const boot = step(
    'boot',
    [],
    async (look) => {
      await look.on('molly').stat('up');
      return [];
    },
    { provides: 'molly' },
  );
  // Without it the plan would look once.
  const missing = step('missing', [refuses, boot], async () => [file('other', 0o644, '')]);
  const { options, steps, writes } = rig([refuses, boot, missing], files);
  await up(options);
  expect(steps.map(({ id, verdict }) => [id, verdict])).toContainEqual(['refuses', 'failed']);
  expect(writes).toEqual([]);
});

test('a change that destroys what the plan did not show is asked about', async () => {
  let looked = 0;
  const doomed = step('doomed', [], async () => {
    looked++;
    if (looked <= 2) throw new NotYet('later'); // the plan looks twice
    return looked === 3 ? [{ is: 'act', says: 'wipe', destroys: 'the disk', act: async () => {} }] : [];
  });
  const { options, steps } = rig([doomed]);
  await up({ ...options, approve: async () => false });
  expect(steps[0]).toMatchObject({ verdict: 'failed', failure: { message: expect.stringContaining('the disk') } });
});

test('a step gets readers: nothing it is given can write, and a command that may write is refused', async () => {
  let keys: readonly string[] = [];
  const curious = step('curious', [], async ({ host }) => {
    keys = Object.keys(host);
    return [];
  });
  await dryRun(rig([curious]).options);
  expect(keys).not.toContain('run');
  expect(keys).not.toContain('writeFile');
});
