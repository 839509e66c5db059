import type { Event, StepEvent } from '../../model/event.ts';
import { aftermath, Course, wentWell } from './aftermath.ts';
import { changeAsText, ShownDiffs } from './changes.ts';
import { Doings } from './doings.ts';
import { flushed, type Reporter, type Shown } from './reporter.ts';
import { clean, elapsed, heading, indented, type Paint, painter, tidy } from './words.ts';

/** Titles longer than this do not push the other columns away. */
const TITLE_WIDTH = 58;
/** A chapter with more steps than this, all of them met, is one line. */
const FEW = 3;

/** Lines for a pipe, a log or a plan: a heading a chapter, a line a step. */
export function plainReporter({ stdout, stderr, resume, colours }: Shown): Reporter {
  const paint = painter(colours);
  const lines = new PlainLines(paint, (text) => stdout.write(`${text}\n`));
  let ended: Promise<unknown> | undefined;
  const end = () => {
    lines.close();
    const { course } = lines;
    if (course.outline) (wentWell(course) ? stdout : stderr).write(`\n${aftermath(course, { resume, paint })}\n`);
    return Promise.all([flushed(stdout), flushed(stderr)]);
  };
  return {
    emit: (event) => lines.tell(event),
    note: (says) => void stderr.write(`lab: ${says}\n`),
    async end() {
      ended ??= end();
      await ended;
    },
  };
}

class PlainLines {
  readonly course = new Course();
  readonly #paint: Paint;
  readonly #write: (text: string) => void;
  readonly #doings: Doings;
  /** Met steps of chapters in which nothing else happened so far: held back, because they may become one line. */
  readonly #held = new Map<string, StepEvent[]>();
  /** Chapters that show every step. */
  readonly #open = new Set<string>();
  readonly #diffs = new ShownDiffs();
  #heading: string | undefined;
  #widths = { title: 0, host: 0 };

  constructor(paint: Paint, write: (text: string) => void) {
    this.#paint = paint;
    this.#write = write;
    this.#doings = new Doings((node, says) => {
      this.#openChapter(node.chapter);
      this.#line(node.chapter, `  ${this.#paint('dim', `…        ${node.title}: ${tidy(says)}`)}`);
    });
  }

  tell(event: Event): void {
    this.course.note(event);
    if (event.event === 'outline') this.#outline(event);
    if (event.event === 'started') this.#doings.begin(event);
    if (event.event === 'doing') this.#doings.says(event.id, event.says);
    if (event.event === 'step') this.#step(event);
  }

  close(): void {
    this.#doings.close();
    for (const chapter of this.#held.keys()) this.#openChapter(chapter);
  }

  #outline({ lab, where, dryRun, chapters }: Extract<Event, { event: 'outline' }>): void {
    const nodes = chapters.flatMap((chapter) => chapter.nodes);
    const width = (texts: string[]) => Math.max(0, ...texts.map((text) => text.length));
    this.#widths = {
      title: Math.min(TITLE_WIDTH, width(nodes.map(({ title }) => title))),
      host: width(nodes.map(({ host }) => host)),
    };
    this.#write(`Lab ${lab} on ${clean(where)}${dryRun ? ': what lab up would do' : ''}`);
  }

  #step(step: StepEvent): void {
    this.#doings.end(step.id);
    const dryRun = this.course.outline?.dryRun ?? false;
    // In the end, what remains is told all at once (aftermath.ts).
    if (step.verdict === 'later' && !dryRun) return;
    if (step.verdict === 'met' && !this.#open.has(step.chapter)) {
      this.#hold(step);
    } else {
      this.#openChapter(step.chapter);
      this.#line(step.chapter, this.#stepLine(step, dryRun));
      if (dryRun && step.changes.length > 0) this.#changes(step);
    }
  }

  #hold(step: StepEvent): void {
    const held = [...(this.#held.get(step.chapter) ?? []), step];
    this.#held.set(step.chapter, held);
    const all = this.course.outline?.chapters.find(({ id }) => id === step.chapter)?.nodes.length ?? 0;
    if (held.length < all) return;
    if (all <= FEW) {
      this.#openChapter(step.chapter);
    } else {
      this.#held.delete(step.chapter);
      this.#line(step.chapter, `  ${this.#paint('dim', `met      all ${all} steps`)}`);
    }
  }

  #openChapter(chapter: string): void {
    this.#open.add(chapter);
    for (const step of this.#held.get(chapter) ?? []) this.#line(chapter, this.#stepLine(step, false));
    this.#held.delete(chapter);
  }

  /** A line below its chapter's heading: said again when steps of several chapters run side by side. */
  #line(chapter: string, text: string): void {
    if (this.#heading !== chapter) {
      this.#heading = chapter;
      const found = this.course.outline?.chapters.find(({ id }) => id === chapter);
      this.#write(`\n${this.#paint('bold', found ? heading(found) : chapter)}`);
    }
    this.#write(text);
  }

  #stepLine(step: StepEvent, dryRun: boolean): string {
    const { verdict, title, host, ms, waitsFor, failure, evidence } = step;
    const [word, colour] = {
      met: ['met', 'dim'] as const,
      change: [dryRun ? 'change' : 'changed', 'green'] as const,
      later: ['later', 'yellow'] as const,
      failed: ['FAILED', 'red'] as const,
    }[verdict];
    const why = [
      ...(waitsFor ? [`decided after ${waitsFor}`] : []),
      ...(failure ? [tidy(failure.message).split('\n')[0]] : []),
      ...(evidence ? [tidy(evidence.says)] : []),
      // Planning judges all steps at once: there is no time of a single one.
      ...(!dryRun && ms >= 100 ? [elapsed(ms)] : []),
    ].join(' · ');
    const where = host.padEnd(why ? this.#widths.host : 0);
    return `  ${this.#paint(colour, word.padEnd(7))}  ${title.padEnd(this.#widths.title)}  ${where}${why && `  ${why}`}`;
  }

  #changes({ verdict, changes, title }: StepEvent): void {
    if (verdict === 'later') this.#write(this.#paint('dim', '           foreseen, and decided then:'));
    for (const change of changes) {
      const text = this.#diffs.instead(change, title) ?? changeAsText(change);
      this.#write(this.#coloured(indented(text, 11)));
    }
  }

  #coloured(text: string): string {
    const colours = { '+': 'green', '-': 'red', '@': 'cyan', '!': 'redBright' } as const;
    return text.replace(/^ {11,13}([-+@!]).*$/gm, (line, sign: keyof typeof colours) => {
      return this.#paint(sign === '!' ? [colours[sign], 'bold'] : colours[sign], line);
    });
  }
}
