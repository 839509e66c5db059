import { expect, it } from 'vitest';
import { type Timed, timelineOf } from '../../src/cli/timeline.ts';
import { timelineSvg } from '../../src/cli/timeline-svg.ts';
import { timelineText } from '../../src/cli/timeline-text.ts';
import type { Event, NodeInfo } from '../../src/model/event.ts';
import { node, step } from './runs.ts';

const image = node('3', 'image', 'Make the default image');
const key = node('1', 'key', 'Make the fencing key');
const [molly, frederick] = ['molly', 'frederick'].map((name) => node('4', `clone-${name}`, `Clone it for ${name}`)) as [
  NodeInfo,
  NodeInfo,
];
const boot = node('6', 'boot-molly', 'Start molly');
const never = node('6', 'boot-frederick', 'Start frederick');

const outlined = (of: NodeInfo, ...after: NodeInfo[]) => ({ ...of, after: after.map(({ id }) => id) });
const started = (at: number, of: NodeInfo): Timed => ({ at, event: { event: 'started', ...of } });
const ended = (at: number, of: NodeInfo, verdict: 'met' | 'change' | 'failed' = 'change'): Timed => ({
  at,
  event: step(of, verdict),
});
const nodes = [
  outlined(key),
  outlined(image),
  outlined(molly, image, key),
  outlined(frederick, image),
  outlined(boot, molly),
  outlined(never, frederick),
];
const outline: Event = {
  event: 'outline',
  lab: 'lolcats',
  where: 'sandbox',
  dryRun: false,
  chapters: [{ id: '3', title: 'All', nodes }],
};

const run: readonly Timed[] = [
  { at: 0, event: outline },
  started(1000, image),
  started(1000, key),
  ended(1010, key, 'met'),
  ended(9000, image),
  started(9000, molly),
  ended(11_000, molly),
  started(11_500, frederick), // ready at 9000, but held up
  started(11_500, boot),
  ended(12_000, frederick),
  ended(19_000, boot, 'failed'),
  { at: 19_000, event: step(never, 'later') },
  { at: 20_000, event: { event: 'summary', met: 1, changed: 3, later: 1, failed: 1 } },
];

it('what waited for what, and what the run could not have been shorter than', () => {
  const { planned, ended: end, bars, critical } = timelineOf(run);
  expect([planned, end]).toEqual([1000, 20_000]);
  expect(bars.map(({ id, waitedFor, held }) => [id, waitedFor, held])).toEqual([
    ['3.image', undefined, 0],
    ['1.key', undefined, 0],
    ['4.clone-molly', '3.image', 0],
    ['4.clone-frederick', '3.image', 2500],
    ['6.boot-molly', '4.clone-molly', 500],
  ]);
  expect(critical.map(({ id }) => id)).toEqual(['3.image', '4.clone-molly', '6.boot-molly']);
});

it('as text', () => {
  expect(timelineText(timelineOf(run))).toBe(`time line: 20.0 s
        0.0 s |==                                      |       1.0 s  look at what is there
        1.0 s |  ================                      |       8.0 s  Make the default image
        9.0 s |                  ====                  |       2.0 s  Clone it for molly
       11.5 s |                       -                |       0.5 s  Clone it for frederick
       11.5 s |                       ===============  |       7.5 s  Start molly
critical path:
        1.0 s  look at what is there
        8.0 s  3.image  Make the default image
        2.0 s  4.clone-molly  Clone it for molly
        7.5 s  6.boot-molly  Start molly, 0.5 s after it was ready
`);
});

it('as a picture', async () => {
  await expect(timelineSvg(timelineOf(run))).toMatchFileSnapshot('golden/timeline.svg');
});

it('of a run that broke off in its plan', () => {
  expect(timelineOf([{ at: 0, event: outline }])).toEqual({ planned: 0, ended: 0, bars: [], critical: [] });
  expect(timelineText(timelineOf([{ at: 0, event: outline }]))).toContain('time line: 0.0 s\n');
});
