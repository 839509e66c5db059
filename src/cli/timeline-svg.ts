import { element } from '../formats/xml.ts';
import { elapsed, titleAndHost } from './reporters/words.ts';
import { type Bar, shown, type Timeline } from './timeline.ts';

/* All in pixels. */
const [LEFT, WIDTH, ROW, BAR] = [360, 900, 18, 12];

const colours = { critical: '#c0392b', other: '#7f8c8d', failed: '#000000' };

/** The time line as an SVG picture: a row a node, the critical path in red; a bar's tooltip tells what it waited for. */
export function timelineSvg(timeline: Timeline): string {
  const { planned, ended, critical } = timeline;
  const x = (at: number) => Math.round(LEFT + (at / Math.max(ended, 1)) * WIDTH);
  const row = (n: number, title: string, from: number, to: number, fill: string, tip: string) => {
    const y = (n + 1) * ROW;
    return [
      element('text', { x: LEFT - 8, y: y + BAR - 2, 'text-anchor': 'end' }, title),
      element('rect', { x: x(from), y, width: Math.max(1, x(to) - x(from)), height: BAR, fill }, [
        element('title', {}, tip),
      ]),
      element('text', { x: x(to) + 4, y: y + BAR - 2 }, elapsed(to - from)),
    ];
  };
  const bars = shown(timeline);
  const rows = bars.flatMap((bar, n) =>
    row(n + 1, titleAndHost(bar), bar.began, bar.ended, colourOf(bar, critical), tipOf(bar)),
  );
  const size = { width: LEFT + WIDTH + 100, height: (bars.length + 3) * ROW };
  return `${element(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', ...size, 'font-family': 'sans-serif', 'font-size': 11 },
    [
      ...row(0, 'look at what is there', 0, planned, colours.critical, 'the plan'),
      ...rows,
      element('text', { x: LEFT, y: size.height - 4 }, `${elapsed(ended)}; red: the critical path`),
    ],
  )}\n`;
}

function colourOf(bar: Bar, critical: readonly Bar[]): string {
  if (bar.verdict === 'failed') return colours.failed;
  return critical.includes(bar) ? colours.critical : colours.other;
}

function tipOf({ id, waitedFor, held }: Bar): string {
  return `${id}${waitedFor === undefined ? '' : `, after ${waitedFor}`}${held < 100 ? '' : `, ${elapsed(held)} after it was ready`}`;
}
