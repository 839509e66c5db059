import { DefaultRenderer, Listr, ListrLogger, type ListrTaskWrapper, ProcessOutput } from 'listr2';
import type { Event } from '../../model/event.ts';
import { aftermath, Course, wentWell } from './aftermath.ts';
import { ChapterView } from './chapter-view.ts';
import { flushed, type Reporter, type Shown } from './reporter.ts';
import { painter } from './words.ts';

interface Streams extends Shown {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** Whether this is a terminal has been decided already; listr2 would look at process.stdout once more. */
class Renderer extends DefaultRenderer {
  static override nonTTY = true as const;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- listr2 gives its renderers' types no other name here
type Task = ListrTaskWrapper<unknown, any, any>;

/**
 * A terminal that somebody watches: a chapter is a task of listr2, and the chapter at hand shows a line a step. The tasks
 * only wait for what events tell; nothing is done in them.
 */
export function ttyReporter({ stdout, stderr, resume, colours }: Streams): Reporter {
  const paint = painter(colours);
  const course = new Course();
  const views: ChapterView[] = [];
  let running: Promise<unknown> | undefined;
  let current: { view: ChapterView; task: Task } | undefined;
  let noted: string[] = [];
  let ended: Promise<unknown> | undefined;

  const draw = () => {
    if (!current) return;
    const { view, task } = current;
    task.title = view.title();
    // Every chapter needs its line, and the cursor a last one.
    const room = Math.max(3, (stdout.rows || 24) - views.length - noted.length - 1);
    task.output = [...noted, ...view.lines(room, views)].join('\n');
  };
  // Seconds go by without events.
  const timer = setInterval(draw, 1000).unref();

  const run = ({ chapters }: Extract<Event, { event: 'outline' }>) => {
    views.push(...chapters.map((chapter) => new ChapterView(chapter, paint)));
    const tasks = views.map((view) => ({
      title: view.title(),
      async task(_: unknown, task: Task) {
        current = { view, task };
        draw();
        await view.ended;
        // A task that is over takes no more output.
        current = undefined;
        task.title = view.title();
        if (view.failed) throw new Error(view.failures());
        if (view.remaining > 0) task.skip(view.title());
      },
    }));
    const logger = new ListrLogger({ useIcons: true, processOutput: new ProcessOutput(stdout, stderr) });
    running = new Listr(tasks, {
      exitOnError: false,
      // Ctrl-C is the engine's business: it ends what is under way.
      registerSignalListeners: false,
      renderer: Renderer,
      rendererOptions: { logger, icon: { OUTPUT: ' ' }, collapseErrors: false, formatOutput: 'truncate' },
    }).run();
  };

  const end = async () => {
    for (const view of views) view.close();
    await running;
    clearInterval(timer);
    if (course.outline) (wentWell(course) ? stdout : stderr).write(`\n${aftermath(course, { resume, paint })}\n`);
    await Promise.all([flushed(stdout), flushed(stderr)]);
  };

  return {
    emit(event) {
      course.note(event);
      if (event.event === 'outline') run(event);
      for (const view of views) view.tell(event);
      draw();
    },
    note(says) {
      if (current) noted = [paint('yellow', says)];
      else stderr.write(`lab: ${says}\n`);
      draw();
    },
    async end() {
      ended ??= end();
      await ended;
    },
  };
}
