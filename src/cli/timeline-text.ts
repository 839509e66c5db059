import { elapsed, titleAndHost } from './reporters/words.ts';
import { type Bar, shown, type Timeline } from './timeline.ts';

/** Characters for the whole run. */
const WIDTH = 40;

/** The time line as lines of text: `=` on the critical path, `-` elsewhere. */
export function timelineText(timeline: Timeline): string {
  const { planned, ended, critical } = timeline;
  const column = (at: number) => Math.round((at / Math.max(ended, 1)) * WIDTH);
  const drawn = (from: number, to: number, sign: string) => {
    const left = Math.min(column(from), WIDTH - 1);
    return (' '.repeat(left) + sign.repeat(Math.max(1, column(to) - left))).padEnd(WIDTH);
  };
  const line = (from: number, to: number, sign: string, what: string) =>
    `  ${elapsed(from).padStart(11)} |${drawn(from, to, sign)}| ${elapsed(to - from).padStart(11)}  ${what}`;
  const rows = shown(timeline).map((bar) =>
    line(bar.began, bar.ended, critical.includes(bar) ? '=' : '-', titleAndHost(bar)),
  );
  const worth = critical.filter((bar) => shown(timeline).includes(bar) || bar.held > 0);
  return [
    `time line: ${elapsed(ended)}`,
    line(0, planned, '=', 'look at what is there'),
    ...rows,
    'critical path:',
    `  ${elapsed(planned).padStart(11)}  look at what is there`,
    ...worth.map(
      (bar) => `  ${elapsed(bar.ended - bar.began).padStart(11)}  ${bar.id}  ${titleAndHost(bar)}${says(bar)}`,
    ),
    '',
  ].join('\n');
}

/** A node may be ready, and eight others at work. */
function says({ held }: Bar): string {
  return held < 100 ? '' : `, ${elapsed(held)} after it was ready`;
}
