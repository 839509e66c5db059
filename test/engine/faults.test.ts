import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { breakable } from '../../src/engine/breakable.ts';
import { type Fault, readFault } from '../../src/engine/fault.ts';
import { faulty } from '../../src/engine/faulty.ts';
import { Journal } from '../../src/engine/journal.ts';
import { lookFor, wholeLooks } from '../../src/engine/look.ts';
import { settled } from '../../src/engine/settle.ts';
import { BadInput, Interrupted, Unreachable } from '../../src/model/errors.ts';
import type { Host, Hosts, Ran } from '../../src/model/host.ts';
import type { Look, Step } from '../../src/model/step.ts';
import { until } from '../../src/ordeals/looks.ts';
import { service } from '../../src/steps/service.ts';

const directory = mkdtempSync(join(tmpdir(), 'lab-faults-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const placed = { id: '1.x', title: 'X', section: '', on: 'dom0', after: [] };
const step: Step = { kind: 'step', ...placed, check: async () => [], settle: { within: 300, hint: 'look' } };

/** A host that answers each command line as it is told. */
function answering(answers: Record<string, () => Partial<Ran>>): Host {
  const read: Host['read'] = async (argv) => ({
    argv,
    code: 0,
    stdout: '',
    stderr: '',
    ...answers[argv.join(' ')]?.(),
  });
  return { name: 'dom0', read, run: read } as Host;
}

const looking = (host: Host) => lookFor(step, { hosts: { host: () => host }, gate: async () => {} });

test.each([
  ['a check', (host: Host) => looking(host).host],
  ['a change or a trial', wholeLooks],
])(
  'a look of %s that was killed is made again; killed twice, it is an error and not half an answer',
  async (_, see) => {
    let times = 0;
    const once = see(
      answering({ 'virsh list': () => (++times === 1 ? { code: 139, stdout: 'mol' } : { stdout: 'molly' }) }),
    );
    expect((await once.read(['virsh', 'list'])).stdout).toBe('molly');
    const always = see(answering({ 'virsh list': () => ({ code: 137, stdout: 'mol' }) }));
    await expect(always.read(['virsh', 'list'])).rejects.toThrow('on dom0: `virsh list`, which only looks, was killed');
    const refused = see(answering({ 'fence_xvm -o list': () => ({ code: 255 }) }));
    expect((await refused.read(['fence_xvm', '-o', 'list'])).code).toBe(255);
  },
);

test('a connection that is lost while something is awaited is waited for, up to the limit', async () => {
  const lost = { is: 'failed', error: new Unreachable('dom0', 'broken pipe') } as const;
  const answers = [lost, lost, { is: 'met' } as const];
  const says: string[] = [];
  const options = { hosts: {}, slowness: async () => 1, pause: 1 };
  const look = {} as Look;
  const gone = async () => undefined;
  await settled(step, {
    judgeNow: async () => answers.shift() ?? lost,
    again: async () => {},
    gone,
    look,
    says: (text) => says.push(text),
    options,
  });
  expect(says.every((text) => /^waiting, \d+ s of \d+ s/.test(text))).toBe(true);
  expect(says).toHaveLength(2);
  const began = performance.now();
  await expect(
    settled(step, { judgeNow: async () => lost, again: async () => {}, gone, look, says: () => {}, options }),
  ).rejects.toThrow('cannot reach dom0');
  expect(performance.now() - began).toBeGreaterThan(290);
});

test('a trial that is broken off ends at the next thing it asks for, and still puts things right', async () => {
  const controller = new AbortController();
  const ran: string[] = [];
  const host = { name: 'dom0', run: async (argv: readonly string[]) => ran.push(argv.join(' ')) } as unknown as Host;
  const on = breakable(() => host, controller.signal);
  const trial = async () => {
    await on('dom0').run(['isolate', 'on']);
    try {
      controller.abort(new Interrupted('broken off'));
      // As the trials wait: a look that fails is none.
      await until(async () => (await on('dom0').run(['look'])) && undefined, 60_000);
    } finally {
      await on('dom0').run(['isolate', 'off']);
    }
  };
  await expect(trial()).rejects.toThrow('broken off');
  expect(ran).toEqual(['isolate on', 'isolate off']);
});

/** Waits for a step that is so when what its `watch` waits for has come. */
async function watching(
  watch: () => Promise<boolean>,
  signal?: AbortSignal,
  { provides, hosts = {} }: { provides?: string; hosts?: Pick<Hosts, 'arrives'> } = {},
) {
  let looks = 0;
  let there = false;
  await settled(
    {
      ...step,
      ...(provides && { provides }),
      settle: { within: 60_000, hint: 'look', watch: async () => (there = await watch()) },
    },
    {
      judgeNow: async () => (looks++, there ? { is: 'met' } : { is: 'change', changes: [] }),
      again: async () => {},
      gone: async () => undefined,
      look: {} as Look,
      says: () => {},
      options: { hosts, slowness: async () => 1, pause: 1, ...(signal ? { signal } : {}) },
    },
  );
  return looks;
}

test('what can be watched is not asked about meanwhile; who stops does not wait for it', async () => {
  const later = () => new Promise<boolean>((resolve) => setTimeout(resolve, 300, true));
  expect(await watching(later)).toBe(2);
  let tries = 0;
  const notYet = async () => {
    if (++tries === 1) throw new Unreachable('molly', 'no route to host');
    return tries === 3;
  };
  expect(await watching(notYet)).toBe(4);
  const stop = new AbortController();
  const stopped = watching(() => new Promise(() => {}), stop.signal);
  stop.abort(new Error('Ctrl-C'));
  await expect(stopped).rejects.toThrow('Ctrl-C');
});

test('a guest that boots is waited for by its connection, and then by what tells that it has booted', async () => {
  const told: string[] = [];
  const arrivals = [false, true];
  const arrives = async (name: string) => (told.push(`arrives ${name}`), arrivals.shift() ?? true);
  const watch = async () => (told.push('boot ends'), true);
  expect(await watching(watch, undefined, { provides: 'molly', hosts: { arrives } })).toBe(2);
  expect(told).toEqual(['arrives molly', 'arrives molly', 'boot ends']);
  const stop = new AbortController();
  const never = { arrives: () => new Promise<boolean>(() => {}) };
  const stopped = watching(watch, stop.signal, { provides: 'molly', hosts: never });
  stop.abort(new Error('Ctrl-C'));
  await expect(stopped).rejects.toThrow('Ctrl-C');
});

test('a clock that jumps does not decide how long something is waited for', async () => {
  const clock = vi.spyOn(Date, 'now');
  let looks = 0;
  clock.mockImplementation(() => 1e12 + 1e9 * looks);
  const found = until(async () => (++looks === 3 ? 'there' : undefined), 60_000);
  expect(await found).toBe('there');
  clock.mockRestore();
});

const systemctl =
  'systemctl show -p ActiveState -p UnitFileState -p NeedDaemonReload -p ExecMainStartTimestamp --timestamp=us+utc fence_virtd';

/** What a service step does about a file of this time (s since 1970), by a clock that shows `now`. */
async function changesFor(modified: number, now: string) {
  const started = 'Mon 2026-11-23 02:43:33.500000 UTC';
  const host = answering({
    [systemctl]: () => ({
      stdout: `ActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\nExecMainStartTimestamp=${started}\n`,
    }),
    'date +%s': () => ({ stdout: `${now}\n` }),
  });
  const stat = async () => ({ kind: 'file', size: 1, allocated: 1, mode: 0o600, uid: 0, modified }) as const;
  const changes = await service(placed, { unit: 'fence_virtd', running: true, staleAfter: ['/etc/x'] }).check(
    looking({ ...host, stat }),
  );
  return changes.map((change) => (change.is === 'command' ? change.argv.join(' ') : change.is));
}

const start = Date.UTC(2026, 10, 23, 2, 43, 33, 500) / 1000;
test('a daemon has not read what was written after its start, in the same second too', async () => {
  expect(await changesFor(start - 0.2, String(start + 9))).toEqual([]);
  expect(await changesFor(start + 0.2, String(start + 9))).toEqual(['systemctl restart fence_virtd']);
});

test('a file of the future, from before the clock was set back, is not newer than every start', async () => {
  expect(await changesFor(start + 9000, String(Math.floor(start) + 9))).toEqual([
    'touch -c /etc/x',
    'systemctl restart fence_virtd',
  ]);
});

test('a journal is compacted: the last run and the last evidence stay', async () => {
  const path = join(directory, 'journal.jsonl');
  const evidence = (says: string) => ({ passed: true, says, transcript: [] });
  const at = '2026-01-01T00:00:00.000Z';
  const old = Array.from({ length: 340 }, (_, n) => [
    { is: 'run', command: 'lab up', run: `${n}`, at },
    { is: 'evidence', id: '8.a', basis: 'b', evidence: evidence(`run ${n}`), run: `${n}`, at },
    { is: 'ended', run: `${n}`, at },
  ]).flat();
  writeFileSync(path, old.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  const last = new Journal(path, () => 'last');
  await last.add({ is: 'run', command: 'lab up' });
  await last.add({ is: 'started', id: '4.x' });
  const next = new Journal(path, () => 'next');
  await next.compact();
  await next.add({ is: 'run', command: 'lab up' });
  expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(4);
  const again = new Journal(path, () => 'again');
  expect((await again.evidence('8.a', 'b'))?.says).toBe('run 339');
  expect(await next.unfinished()).toBeUndefined();
  expect(await again.unfinished()).toMatchObject({ ids: [] });
});

test('a fault strikes what it counts, and nothing else', async () => {
  const struck = async (how: Fault['how']) => {
    const dom0 = faulty({ host: () => answering({}) } as unknown as Hosts, { how, at: 1 }).host('dom0');
    return [(await dom0.read(['true'])).code, (await dom0.run(['true'])).code];
  };
  for (const how of ['fail', 'kill-before', 'kill-during', 'kill-after'] as const)
    expect(await struck(how), how).toEqual([0, 0]);
  expect(await struck('crash')).toEqual([0, 139]);
  expect(await struck('refuse-always')).toEqual([0, 1]);
  expect(await struck('look')).toEqual([139, 0]);
});

test('LAB_FAULT says what it knows', () => {
  expect(readFault('look-always:12')).toEqual({ how: 'look-always', at: 12 });
  expect(readFault(undefined)).toBeUndefined();
  for (const text of ['crash', 'crash:0', 'burn:1', 'crash:1e9']) expect(() => readFault(text)).toThrow(BadInput);
});
