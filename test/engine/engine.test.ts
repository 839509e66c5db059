import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { Journal } from '../../src/engine/journal.ts';
import { dryRun } from '../../src/engine/dry-run.ts';
import type { RunOptions } from '../../src/engine/run-options.ts';
import { up } from '../../src/engine/up.ts';
import { Applier } from '../../src/engine/apply.ts';
import { type Change, command, file, wait } from '../../src/model/change.ts';
import { NotYet, Unreachable } from '../../src/model/errors.ts';
import type { Event, StepEvent } from '../../src/model/event.ts';
import type { FileReader, Host, Hosts } from '../../src/model/host.ts';
import type { Node, Step } from '../../src/model/step.ts';

const directory = mkdtempSync(join(tmpdir(), 'lab-engine-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let journals = 0;

/** A host that is a map of files. Everything else it does not know. */
function mapHost(files: Map<string, string>, writes: string[]): Host {
  const no = async () => {
    throw new Error('not in this test');
  };
  const reader: FileReader = {
    readFile: async (path) => (files.has(path) ? Buffer.from(files.get(path) as string) : undefined),
    stat: async (path) =>
      files.has(path) ? { kind: 'file', size: 0, allocated: 0, mode: 0o644, uid: 0, modified: 0 } : undefined,
    digest: no,
  };
  return {
    name: 'dom0',
    ...reader,
    read: no,
    list: no,
    run: no,
    disk: () => reader,
    async writeFile(path, bytes) {
      writes.push(path);
      files.set(path, Buffer.from(bytes).toString());
    },
  };
}

/** A run over the steps, on a world of files. */
function rig(nodes: readonly Node[], files = new Map<string, string>()) {
  const writes: string[] = [];
  const host = mapHost(files, writes);
  const steps: StepEvent[] = [];
  const no = async () => {
    throw new Error('not in this test');
  };
  const hosts: Hosts = {
    host: () => host,
    warm: () => {},
    forget: async () => {},
    lock: no,
    kill: () => {},
    argv: no,
    roundTrips: () => ({}),
    close: async () => {},
  };
  const journal = new Journal(join(directory, `${journals++}.jsonl`), 'run');
  const options: RunOptions = {
    lab: 'test',
    where: 'test',
    chapters: [{ id: '1', title: 'One', nodes }],
    hosts,
    journal,
    proofs: journal,
    slowness: async () => 1,
    pause: 1,
    emit: (event: Event) => {
      if (event.event === 'step') steps.push(event);
    },
  };
  return { options, files, writes, steps, journal };
}

const step = (id: string, after: readonly Node[], check: Step['check'], more: Partial<Step> = {}): Step => ({
  kind: 'step',
  id,
  title: id,
  section: '',
  on: 'dom0',
  after,
  check,
  ...more,
});

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
  ['local', 'does not run any more', /^dom0 is gone: the machine under it/],
  ['local', 'still boots', /^cannot reach dom0/],
  ['elsewhere', 'does not run any more', /^cannot reach dom0/],
])('dom0 is lost in a wait; its machine is %s, and %s', async (on, how, says) => {
  const files = new Map<string, string>();
  let lost = false;
  const machine = step(
    'machine',
    [],
    async () => {
      if (!lost) return [];
      return how === 'still boots' ? [wait('wait for it to boot')] : [file('power', 0o644, '')];
    },
    { on, provides: 'dom0' },
  );
  const boot = step(
    'boot',
    [machine],
    async () => {
      if (!files.has('started')) return [file('started', 0o644, '')];
      lost = true;
      throw new Unreachable('dom0', 'broken pipe');
    },
    { settle: { within: 300, hint: '' } },
  );
  const { options, steps } = rig([machine, boot], files);
  await up(options);
  expect(steps.at(-1)).toMatchObject({
    id: 'boot',
    verdict: 'failed',
    failure: { message: expect.stringMatching(says) },
  });
});

test.each(['machine', 'guest'])(
  'a wait in a guest ends when the machine is gone, also where all it sees is that %s is not there yet',
  async (sees) => {
    const files = new Map<string, string>();
    let lost = false;
    const machine = step('machine', [], async () => (lost ? [file('power', 0o644, '')] : []), {
      on: 'local',
      provides: 'dom0',
    });
    const guest = step(
      'guest',
      [machine],
      async () => {
        if (lost) throw new NotYet('machine');
        return [];
      },
      { provides: 'molly' },
    );
    const start = step(
      'start',
      [guest],
      async () => {
        if (!files.has('started')) return [file('started', 0o644, '')];
        lost = true;
        throw new NotYet(sees);
      },
      { on: 'molly', settle: { within: 60_000, hint: '' } },
    );
    const { options, steps } = rig([machine, guest, start], files);
    await up(options);
    expect(steps.at(-1)).toMatchObject({
      id: 'start',
      verdict: 'failed',
      failure: { message: expect.stringMatching(/^dom0 is gone: the machine under it/) },
    });
  },
);

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

/** A guest that is fenced while something is done in it: how its boot step finds it, look by look, and how often it is lost. */
async function fenced(boots: readonly ('off' | 'boots' | 'on')[], losses: number) {
  const files = new Map([['started', 'started']]);
  let lost = 0;
  let looks = 0;
  const boot = step(
    'boot',
    [],
    async () => {
      const now = lost === 0 ? 'on' : (boots[looks++] ?? boots.at(-1));
      if (now === 'off') return [command(['start'])];
      return now === 'boots' ? [wait('wait for molly to boot')] : [];
    },
    { provides: 'molly', settle: { within: 300, hint: 'watch it boot' } },
  );
  const inside = step(
    'inside',
    [boot],
    async () => {
      if (lost < losses && files.has('asked')) {
        lost++;
        throw new Unreachable('molly', 'No route to host');
      }
      files.set('asked', '');
      return files.has('inside') ? [] : [file('inside', 0o644, '')];
    },
    { on: 'molly' },
  );
  const { options, steps } = rig([boot, inside], files);
  await up({ ...options, slowness: async () => 0.01 });
  return steps.at(-1);
}

test('a guest that is fenced in the middle is waited for, and the step begun anew', async () => {
  expect(await fenced(['off', 'boots', 'boots', 'on'], 1)).toMatchObject({ id: 'inside', verdict: 'change' });
  expect(await fenced(['on'], 1)).toMatchObject({ id: 'inside', verdict: 'change' });
});

test.each([
  ['is off and stays off', ['off'], 1, /^cannot reach molly: No route to host/],
  ['is lost again and again', ['on'], 9, /^cannot reach molly: No route to host/],
  ['does not boot', ['boots'], 1, /^not so after .*wait for molly to boot/],
] as const)('a guest that %s is an error', async (_, boots, losses, says) => {
  const failure = { message: expect.stringMatching(says) };
  expect(await fenced(boots, losses)).toMatchObject({ id: 'inside', verdict: 'failed', failure });
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
