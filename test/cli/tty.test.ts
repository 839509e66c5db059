import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ttyReporter } from '../../src/cli/reporters/tty.ts';
import type { Event } from '../../src/model/event.ts';
import { boot, clone, failure, node, other, outline, step, uniform } from './runs.ts';
import { terminal } from './screen.ts';

function watched(columns = 80, rows = 24) {
  const screen = terminal(columns, rows);
  const { stream } = screen;
  const reporter = ttyReporter({ stdout: stream, stderr: stream, resume: 'lab up', colours: true });
  return { ...screen, reporter };
}

async function shown(events: readonly Event[], columns?: number, rows?: number) {
  const { reporter, ...screen } = watched(columns, rows);
  for (const event of events) {
    reporter.emit(event);
    await pause(2);
  }
  await reporter.end();
  return screen;
}

describe('a terminal', () => {
  it('shows a line a chapter in the end, and how it went', async () => {
    expect(await (await shown(uniform('change'))).text()).toMatch(
      /^✔ 0 Before you begin · 4 changed\n✔ 4 The guests · 3 changed\n✔ 6 Boot · 3 changed\n✔ 7 The fencing host · 4 changed(?: · \d+\.\d s)?\n\n14 changed, 0 met, in \d\.\d s$/,
    );
  });

  it('shows after a failure what failed where, what remains and how to go on', async () => {
    const text = (await (await shown(failure)).text()).replace(/in \d\.\d s/, 'in 0.1 s');
    expect(text).toBe(`✔ 0 Before you begin · 4 met
✔ 4 The guests · 2 changed, 1 met
✖ 6 Boot · 1 changed, 1 failed, 1 to go
    Start molly failed after 63.0 s
↓ 7 The fencing host · 4 to go

Done: 3 changed, 5 met, in 0.1 s; the last was “Start frederick”
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
To go on from there: lab up`);
  });

  it('shows what is under way, also in other chapters, and what comes', async () => {
    const { reporter, text } = watched();
    reporter.emit(outline(false));
    await pause(150);
    expect(await text()).toMatch(
      /0 Before you begin · 4 to go\n {4}looking at what is there\n◼ 4 The guests · 3 to go\n/,
    );
    for (const event of failure.slice(1, 14)) reporter.emit(event);
    reporter.emit({ event: 'doing', id: boot.id, says: '/guests/molly.img: 300 MiB of\n800 MiB' });
    await pause(2300);
    expect(await text()).toMatch(
      /^✔ 0 Before you begin · 4 met\n. 4 The guests · 1 changed, 2 to go\n {4}✔ Clone the image for molly 12\.3 s\n {4}● Edit \/etc\/xen\/molly [12] s\n {4}● Start molly [12] s: \/guests\/molly\.img: 300 MiB of 800 MiB\n◼ 6 Boot · 3 to go\n◼ 7 The fencing host/,
    );
    reporter.note('ending what is under way');
    await pause(150);
    expect(await text()).toMatch(/to go\n {4}ending what is under way\n {4}✔ Clone/);
    await reporter.end();
  });

  it('ends when the run broke off, and when it never began', async () => {
    expect(await (await shown([outline(), step(clone, 'change'), step(other, 'met')])).text()).toMatch(
      /↓ 4 The guests · 1 changed, 2 to go\n[\s\S]*Stopped before the end\.\nRemaining: 12 steps/,
    );
    expect(await (await shown([])).text()).toBe('');
  });

  it('fits a small screen whatever runs: sixteen guests, twelve chapters, 24 lines', async () => {
    const chapters = Array.from({ length: 12 }, (_, at) => ({
      id: `${at}`,
      title: `Chapter ${at}`,
      nodes: Array.from({ length: 16 }, (_, guest) => node(`${at}`, `guest${guest}`, `Do ${at} for guest${guest}`)),
    }));
    const { reporter, text, scrolled } = watched(80, 24);
    reporter.emit(outline(false, chapters));
    const nodes = chapters.flatMap((chapter) => chapter.nodes);
    for (const of of nodes.slice(0, 20)) reporter.emit({ event: 'started', ...of });
    for (const of of nodes.slice(0, 12)) {
      reporter.emit(step(of, 'change'));
      reporter.emit({ event: 'doing', id: '0.guest15', says: `${'a very long text '.repeat(20)}` });
    }
    await pause(250);
    expect(await scrolled()).toBe(0);
    const screen = await text();
    expect(screen).toContain('◼ 11 Chapter 11');
    for (const running of ['0 for guest12', '0 for guest15', '1 for guest3'])
      expect(screen).toContain(`● Do ${running}`);
    await reporter.end();
  });
});
