import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { reporterFor } from '../../src/cli/reporters/index.ts';
import { jsonReporter } from '../../src/cli/reporters/json.ts';
import { plainReporter } from '../../src/cli/reporters/plain.ts';
import { elapsed } from '../../src/cli/reporters/words.ts';
import { file } from '../../src/model/change.ts';
import type { Event } from '../../src/model/event.ts';
import { boot, chapters, clone, edit, failure, outline, plan, SECRET, step, uniform } from './runs.ts';
import { collector } from './screen.ts';

const digest = createHash('sha256').update(SECRET).digest('hex');

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

async function plainly(events: readonly Event[], colours = false) {
  const [stdout, stderr] = [collector(), collector()];
  const reporter = plainReporter({ stdout, stderr, resume: 'lab up --file x.yaml', colours });
  for (const event of events) reporter.emit(event);
  await reporter.end();
  return { stdout: stdout.text(), stderr: stderr.text() };
}

describe('plain', () => {
  it('shows a plan: every command, every diff, no secret', async () => {
    const { stdout, stderr } = await plainly(plan);
    expect(stdout).toBe(`Lab lolcats on sandbox: what lab up would do

0 Before you begin
  met      all 4 steps

4 The guests
  change   Clone the image for molly             dom0
           # clone
           $ cp --reflink=auto /guests/default.img '/guests/molly'\\''s.img'
           ! destroys the old image
           $ sh -s <<'EOF'
               set -e
               echo "hi"
           EOF
  change   Edit /etc/xen/molly                   dom0
           write /etc/xen/molly (mode 0644)
             --- /etc/xen/molly
             +++ /etc/xen/molly
             @@ -1,2 +1,2 @@
             -name = "Default"
             +name = "molly"
              x = 1
           write /etc/new (mode 0600)
             --- /dev/null
             +++ /etc/new
             @@ -0,0 +1,2 @@
             +a
             +\\u{1b}[31mb\\u{07}
  change   Make the fencing key                  dom0
           write /etc/cluster/fence_xvm.key (mode 0600): secret, sha256 ${digest}

6 Boot
  later    Start molly                           dom0   decided after 4.clone-molly
           foreseen, and decided then:
           * wait for molly to boot
  later    Start frederick                       dom0   decided after 4.clone-molly
  later    Check that molly is who it should be  molly  decided after 6.boot-molly

7 The fencing host
  met      all 4 steps

3 to change, 8 met, 3 decided later, in 0.0 s; nothing was touched
`);
    expect(stderr).toBe('');
  });

  it('tells of a failure what was done, what failed and why, what remains, and how to go on', async () => {
    const { stdout, stderr } = await plainly(failure);
    expect(stdout).toBe(`Lab lolcats on sandbox

0 Before you begin
  met      all 4 steps

4 The guests
  changed  Clone the image for molly             dom0   12.3 s
  changed  Edit /etc/xen/molly                   dom0   1.2 s
  met      Make the fencing key                  dom0

6 Boot
  FAILED   Start molly                           dom0   on dom0: \`virsh start molly\` ended with exit code 1 · 63.0 s
  changed  Start frederick                       dom0   0.2 s
`);
    expect(stderr).toBe(`
Done: 3 changed, 5 met, in 0.0 s; the last was “Start frederick”
Failed: Start molly on dom0, after 63.0 s (6.boot-molly)
  on dom0: \`virsh start molly\` ended with exit code 1
      error: no memory
      \\u{07}last words
    console: Kernel panic
    console: not syncing
  Hint: free some memory
Remaining: 5 steps
  6 Boot: Check that molly is who it should be
  7 The fencing host: Have conf; Have unit; Have service; Have list
To go on from there: lab up --file x.yaml
`);
  });

  it('shows a long text that many guests get once, and says of the others where it is', async () => {
    const lines = (count: number) => Array.from({ length: count }, (_, n) => `line ${n}\n`).join('');
    const write = (path: string, text: string) => file(path, 0o644, text);
    const changes = [write('/a/long', lines(50)), write('/b/long', lines(50)), write('/c/long', `${lines(50)}other\n`)];
    const short = [write('/a/short', lines(4)), write('/b/short', lines(4))];
    const { stdout } = await plainly([outline(true), step(clone, 'change', { changes: [...changes, ...short] })]);
    expect(stdout.match(/^ +\+line 3$/gm)).toHaveLength(4);
    expect(stdout).toContain(`write /b/long (mode 0644): the same 50 lines as in “${clone.title}”\n`);
  });

  it('ends with one line when all is well', async () => {
    expect((await plainly(uniform('met'))).stdout).toMatch(/\n\nnothing to do: 14 steps met, in 0\.0 s\n$/);
    expect((await plainly(uniform('change'))).stdout).toMatch(/\n\n14 changed, 0 met, in 0\.0 s\n$/);
  });

  it('accounts for a run that broke off without a summary', async () => {
    const { stdout, stderr } = await plainly([outline(), step(clone, 'change')]);
    expect(stdout).toMatch(/changed {2}Clone the image for molly/);
    expect(stderr).toMatch(/Stopped before the end\.\nRemaining: 13 steps\n {2}0 Before you begin: 4 steps\n/);
  });

  it('says nothing of a run that never began', async () => {
    expect(await plainly([])).toEqual({ stdout: '', stderr: '' });
  });

  it('tells what takes long: soon, then every 15 s, and at once what is new', async () => {
    const stdout = collector();
    const reporter = plainReporter({ stdout, stderr: stdout, resume: 'lab up', colours: false });
    reporter.emit(outline());
    reporter.emit({ event: 'started', ...boot });
    for (let second = 0; second < 40; second++) {
      const state = second < 35 ? 'no answer to ARP' : 'ssh refused';
      reporter.emit({ event: 'doing', id: boot.id, says: `waiting, ${second} s of 60 s: ${state}` });
      await vi.advanceTimersByTimeAsync(1000);
    }
    reporter.emit(step(boot, 'change', { ms: 40_000 }));
    await vi.advanceTimersByTimeAsync(100_000);
    expect(stdout.text()).toBe(`Lab lolcats on sandbox

6 Boot
  …        Start molly: waiting, 1 s of 60 s: no answer to ARP
  …        Start molly: waiting, 16 s of 60 s: no answer to ARP
  …        Start molly: waiting, 31 s of 60 s: no answer to ARP
  …        Start molly: waiting, 35 s of 60 s: ssh refused
  changed  Start molly                           dom0   40.0 s
`);
    await reporter.end();
  });

  it('is coloured on a terminal only, and says the same', async () => {
    const coloured = (await plainly(plan, true)).stdout;
    expect(coloured).toContain('\x1b[31m');
    // eslint-disable-next-line no-control-regex -- that is what colours are
    expect(coloured.replace(/\x1b\[\d+m/g, '')).toBe((await plainly(plan)).stdout);
  });
});

describe('json', () => {
  async function lines(events: readonly Event[]): Promise<Record<string, unknown>[]> {
    const [stdout, stderr] = [collector(), collector()];
    const reporter = jsonReporter({ stdout, stderr });
    for (const event of events) reporter.emit(event);
    await reporter.end();
    expect(stderr.text()).toBe('');
    return stdout
      .text()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  }

  it('has a line a step and a summary, and nothing else', async () => {
    const told = await lines(failure);
    expect(told.map(({ event }) => event)).toEqual([...Array(14).fill('step'), 'summary']);
    expect(told[0]).toEqual({
      event: 'step',
      id: '0.dom0',
      chapter: '0',
      host: 'dom0',
      verdict: 'met',
      changes: [],
      ms: 3,
      title: 'Have dom0',
    });
    expect(told.find(({ verdict }) => verdict === 'failed')).toMatchObject({
      error: { name: 'CommandFailed', message: expect.stringContaining('exit code 1'), hint: 'free some memory' },
    });
    expect(told.at(-1)).toEqual({ event: 'summary', met: 5, changed: 3, later: 5, failed: 1 });
  });

  it('has the full changes', async () => {
    const changes = (await lines(plan)).flatMap((line) => (line.changes as unknown[] | undefined) ?? []);
    expect(changes).toEqual([
      {
        is: 'command',
        argv: ['cp', '--reflink=auto', '/guests/default.img', "/guests/molly's.img"],
        why: 'clone',
        destroys: 'the old image',
      },
      { is: 'command', argv: ['sh', '-s'], input: 'set -e\necho "hi"\n' },
      {
        is: 'file',
        path: '/etc/xen/molly',
        mode: '0644',
        sha256: createHash('sha256').update('name = "molly"\nx = 1\n').digest('hex'),
        diff: '--- /etc/xen/molly\n+++ /etc/xen/molly\n@@ -1,2 +1,2 @@\n-name = "Default"\n+name = "molly"\n x = 1\n',
      },
      expect.objectContaining({ path: '/etc/new', mode: '0600' }),
      { is: 'file', path: '/etc/cluster/fence_xvm.key', mode: '0600', sha256: digest, secret: true },
      { is: 'act', says: 'wait for molly to boot' },
    ]);
  });
});

it('no reporter shows a byte of a secret', async () => {
  const stdout = collector();
  const json = jsonReporter({ stdout, stderr: stdout });
  for (const event of plan) json.emit(event);
  for (const text of [stdout.text(), (await plainly(plan)).stdout]) {
    expect(text).toContain(digest);
    expect(text).not.toMatch(/horse|battery/);
  }
});

it('shows what is no text as a digest, and a change of mode alone as such', async () => {
  const bytes = Uint8Array.of(0xff, 0, 1);
  const { stdout } = await plainly([
    outline(true),
    step(clone, 'change', { changes: [{ is: 'file', path: '/a', mode: 0o644, after: bytes }] }),
    step(edit, 'change', { changes: [{ is: 'file', path: '/b', mode: 0o600, before: SAME, after: SAME }] }),
  ]);
  expect(stdout).toMatch(/write \/a \(mode 0644\): 3 bytes that are no text, sha256 [0-9a-f]{64}\n/);
  expect(stdout).toContain('write /b (mode 0600): its content stays\n');
});

const SAME = new TextEncoder().encode('same\n');

it('loads the reporter that fits: json over all, plain for plans and pipes', async () => {
  const shows = async (options: { json?: boolean; tty?: boolean; dryRun?: boolean }) => {
    const stdout = collector();
    const stream = stdout as unknown as NodeJS.WriteStream;
    const all = { json: false, tty: false, dryRun: false, resume: 'lab up', ...options };
    const reporter = await reporterFor({ ...all, stdout: stream, stderr: stream });
    reporter.emit(outline(all.dryRun, chapters.slice(0, 0)));
    await reporter.end();
    await reporter.end();
    return stdout.text();
  };
  expect(await shows({})).toBe('Lab lolcats on sandbox\n\nnothing to do: 0 steps met, in 0.0 s\n');
  expect(await shows({ tty: true, dryRun: true })).toMatch(/what lab up would do/);
  expect(await shows({ tty: true, json: true })).toBe('');
});

it('shows times as people say them', () => {
  expect([40, 12_345, 99_949, 100_000, 192_000, 3_720_000].map(elapsed)).toEqual([
    '0.0 s',
    '12.3 s',
    '99.9 s',
    '1 min 40 s',
    '3 min 12 s',
    '1 h 2 min',
  ]);
});
