import { EventEmitter } from 'node:events';
import xterm from '@xterm/headless';

/** A stream that keeps what is written to it. */
export function collector() {
  const written: string[] = [];
  return {
    write(text: string, done?: (error?: Error | null) => void): boolean {
      written.push(text);
      done?.();
      return true;
    },
    text: () => written.join(''),
  };
}

/** A terminal that programs write to, and what one sees on it. */
export function terminal(columns: number, rows: number) {
  const screen = new xterm.Terminal({ cols: columns, rows, scrollback: 500, convertEol: true, allowProposedApi: true });
  let written = Promise.resolve();
  const write = (text: string, ...more: unknown[]) => {
    const done = more.at(-1);
    written = written.then(() => new Promise<void>((resolve) => screen.write(text, resolve)));
    if (typeof done === 'function') void written.then(() => done());
    return true;
  };
  const stream = Object.assign(new EventEmitter(), { write, columns, rows, isTTY: true });
  return {
    stream: stream as unknown as NodeJS.WriteStream,
    /** All lines, those that scrolled away too, without empty ones at the end. */
    async text(): Promise<string> {
      await written;
      const { active } = screen.buffer;
      const lines = Array.from({ length: active.length }, (_, at) => active.getLine(at)?.translateToString(true) ?? '');
      return lines.join('\n').trimEnd();
    },
    /** How many lines scrolled out of view. */
    async scrolled(): Promise<number> {
      await written;
      return screen.buffer.active.baseY;
    },
  };
}
