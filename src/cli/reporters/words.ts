import { stripVTControlCharacters, styleText } from 'node:util';
import type { NodeInfo } from '../../model/event.ts';

export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

/** Colours, or none. */
export function painter(colours: boolean): Paint {
  // Newer Nodes would look at process.stdout by themselves; that decision has been made already.
  return (format, text) => (colours ? styleText(format, text, { validateStream: false }) : text);
}

/** `0.3 s`, `12.3 s`, `3 min 12 s`, `1 h 2 min`. */
export function elapsed(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (ms < 99_950) return `${(ms / 1000).toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** Any text made fit for a terminal: control and direction characters are spelled out; line ends and tabs stay. */
export function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (character) =>
    character === '\n' || character === '\t'
      ? character
      : `\\u{${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}}`,
  );
}

/** What programs print (stderr, a console), as plain lines: without colours, a progress bar's every state on its own line. */
export function tidy(output: string): string {
  return clean(stripVTControlCharacters(output).replace(/\r+\n?/g, '\n')).trimEnd();
}

/** Every line of a text, indented. */
export function indented(text: string, by: number): string {
  return text.replace(/^(?=.)/gm, ' '.repeat(by));
}

/** `1 step`, `2 steps`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `4 The guests`: numbered as in the document, if it is in there. */
export function heading({ id, title }: { readonly id: string; readonly title: string }): string {
  return /^\d+$/.test(id) ? `${id} ${title}` : title;
}

/** A title that names its host if that is not dom0, and does not name it already. */
export function titleAndHost({ title, host }: NodeInfo): string {
  return host === 'dom0' || title.includes(host) ? title : `${title} (${host})`;
}
