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
  /** When its first step was begun, and its last one ended. */
  #began: number | undefined;
  #ended: number | undefined;

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
    if (event.event === 'started') {
      row.began = performance.now();
      this.#began ??= row.began;
    }
    if (event.event === 'doing') row.says = event.says;
    if (event.event === 'step') {
      row.end = event;
      this.#ended = performance.now();
    }
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

  /** `4 The guests · 2 changed, 1 met, 2 to go · 12.3 s`. */
  title(): string {
    const parts = [
      [this.#count('change'), 'changed'],
      [this.#count('met'), 'met'],
      [this.#count('failed'), 'failed'],
      [this.remaining, 'to go'],
    ] as const;
    const counts = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
    const ms = this.#began === undefined ? 0 : (this.#ended ?? this.#began) - this.#began;
    // Of a chapter that goes on, the steps at work show the time.
    const time = this.#running().length === 0 && ms >= 1000 ? [elapsed(ms)] : [];
    const more = [...(counts.length > 0 ? [counts.join(', ')] : []), ...time].map((part) => ` · ${part}`);
    return heading(this.#chapter) + this.#paint('dim', more.join(''));
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
    const rows = [...this.#rows.values()].filter(({ began, end }) => began !== undefined || end?.verdict === 'failed');
    const running = this.#running().length + others.length;
    const ended = rows.filter(({ end }) => end);
    const dropped = ended.slice(0, Math.max(0, ended.length + running - room));
    const lines = [...rows.filter((row) => !dropped.includes(row)), ...others]
      .slice(-room)
      .map((row) => this.#line(row));
    // Before anything begins, the engine looks at everything.
    if (lines.length === 0 && all.every((view) => view.#began === undefined)) return ['looking at what is there'];
    return lines;
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
