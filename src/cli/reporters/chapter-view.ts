import type { Event, NodeInfo, StepEvent } from '../../model/event.ts';
import { elapsed, heading, type Paint, tidy, titleAndHost } from './words.ts';

type Chapter = Extract<Event, { event: 'outline' }>['chapters'][number];

interface Row {
  readonly node: NodeInfo;
  /** When it was begun. */
  began?: number;
  says?: string;
  end?: StepEvent;
}

/** A chapter on the terminal: its title with counts, and a line for each of its steps that was begun. */
export class ChapterView {
  readonly #chapter: Chapter;
  readonly #paint: Paint;
  readonly #rows: ReadonlyMap<string, Row>;
  /** Resolves when no step of the chapter is still to come. */
  readonly ended: Promise<void>;
  #close: () => void = () => {};

  constructor(chapter: Chapter, paint: Paint) {
    this.#chapter = chapter;
    this.#paint = paint;
    this.#rows = new Map(chapter.nodes.map((node) => [node.id, { node }]));
    this.ended = new Promise((resolve) => {
      this.#close = resolve;
    });
    this.#closeIfOver();
  }

  tell(event: Event): void {
    if (event.event === 'summary') this.close();
    const row = 'id' in event ? this.#rows.get(event.id) : undefined;
    if (!row) return;
    if (event.event === 'started') row.began = performance.now();
    if (event.event === 'doing') row.says = event.says;
    if (event.event === 'step') row.end = event;
    this.#closeIfOver();
  }

  #closeIfOver(): void {
    if ([...this.#rows.values()].every(({ end }) => end)) this.close();
  }

  /** Nothing more will come. */
  close(): void {
    this.#close();
  }

  get failed(): boolean {
    return this.#count('failed') > 0;
  }

  /** Steps that have not come to an end. */
  get remaining(): number {
    return this.#rows.size - this.#count('met') - this.#count('change') - this.#count('failed');
  }

  /** `4 The guests · 2 changed, 1 met, 2 to go`. */
  title(): string {
    const parts = [
      [this.#count('change'), 'changed'],
      [this.#count('met'), 'met'],
      [this.#count('failed'), 'failed'],
      [this.remaining, 'to go'],
    ] as const;
    const counts = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
    return heading(this.#chapter) + (counts.length > 0 ? this.#paint('dim', ` · ${counts.join(', ')}`) : '');
  }

  /** The steps that failed, for the line below the title; the whole story comes in the aftermath. */
  failures(): string {
    const failed = [...this.#rows.values()].flatMap(({ end }) => (end?.verdict === 'failed' ? [end] : []));
    return failed.map((step) => `${titleAndHost(step)} failed after ${elapsed(step.ms)}`).join('; ');
  }

  /**
   * At most `room` lines: this chapter's steps, and what runs in others meanwhile. What is under way comes first where
   * there is little room; it stays in its place where there is enough.
   */
  lines(room: number, all: readonly ChapterView[]): string[] {
    const others = all.filter((view) => view !== this).flatMap((view) => view.#running());
    const rows = [...this.#rows.values()].filter(({ began, end }) => began !== undefined || end);
    const running = this.#running().length + others.length;
    const ended = rows.filter(({ end }) => end);
    const dropped = ended.slice(0, Math.max(0, ended.length + running - room));
    const lines = [...rows.filter((row) => !dropped.includes(row)), ...others]
      .slice(-room)
      .map((row) => this.#line(row));
    return lines.length > 0 ? lines : ['looking at what is there'];
  }

  #running(): Row[] {
    return [...this.#rows.values()].filter(({ began, end }) => began !== undefined && !end);
  }

  #line({ node, began, says, end }: Row): string {
    const title = titleAndHost(node);
    if (!end) {
      const what = says === undefined ? '' : `: ${tidy(says).replace(/\s+/g, ' ')}`;
      return `${this.#paint('cyan', '●')} ${title} ${this.#paint('dim', elapsedSoFar(began))}${what}`;
    }
    const time = end.ms >= 100 ? ` ${this.#paint('dim', elapsed(end.ms))}` : '';
    if (end.verdict === 'met') return this.#paint('dim', `✔ ${title}`);
    if (end.verdict === 'change') return `${this.#paint('green', '✔')} ${title}${time}`;
    if (end.verdict === 'failed') return `${this.#paint('red', '✖')} ${title}${time}`;
    return this.#paint('dim', `○ ${title}`);
  }

  #count(verdict: StepEvent['verdict']): number {
    return [...this.#rows.values()].filter(({ end }) => end?.verdict === verdict).length;
  }
}

/** Whole seconds: tenths would only flicker. */
function elapsedSoFar(began = performance.now()): string {
  const seconds = Math.floor((performance.now() - began) / 1000);
  return seconds < 100 ? `${seconds} s` : elapsed(seconds * 1000);
}
