import { fail, getopt, type Handler, ok } from './call.ts';
import type { JournalEntry } from './state.ts';
import { unitName } from './unit-files.ts';
import type { World } from './world.ts';

/** How many entries are kept. */
const kept = 400;

export function logEntry({ state }: World, host: string, unit: string, from: string, text: string): void {
  state.lastEntry++;
  const entry: JournalEntry = { n: state.lastEntry, host, unit, at: state.clock, from, text };
  state.journal = [...state.journal.slice(1 - kept), entry];
}

/** sd_journal_get_cursor(3): opaque to whoever uses it. */
const cursorOf = (n: number) => `s=5c1ab00000000000000000000c1a5e;i=${n.toString(16)};b=1ab;m=${n};t=${n};x=${n}`;

/** `Nov 22 20:10:41` */
export function timeOf(clock: number): string {
  const [, day, month, , time] = new Date(clock * 1000).toUTCString().split(/[ ,]+/);
  return `${month} ${day} ${time}`;
}

/** journalctl(1): `-u`, `-n`, `-o cat`, `-t`, `-g`, `--after-cursor`, `--show-cursor`. */
export const journalctl: Handler = ({ world, machine, args }) => {
  const options = getopt(
    args,
    ['--no-pager', '--show-cursor', '-b', '-q', '--quiet'],
    ['-u', '--unit', '-n', '--lines', '-o', '--output', '--after-cursor', '-t', '-g'],
  );
  const unit = options.value('-u', '--unit');
  const output = options.value('-o', '--output') ?? 'short';
  if (!['short', 'cat'].includes(output)) return fail(1, `Unknown output format '${output}'.`);
  const after = options.value('--after-cursor');
  const position = after === undefined ? 0 : Number.parseInt(/;i=([0-9a-f]+);/.exec(after)?.[1] ?? '', 16);
  if (Number.isNaN(position)) return fail(1, 'Failed to seek to cursor: Invalid argument');
  const identifier = options.value('-t');
  const pattern = options.value('-g');
  const limit = Number(options.value('-n', '--lines') ?? kept);
  const found = world.state.journal
    .filter((entry) => entry.host === machine.name && entry.n > position)
    .filter((entry) => unit === undefined || unitName(entry.unit) === unitName(unit))
    .filter((entry) => identifier === undefined || entry.from.split('[')[0] === identifier)
    .filter((entry) => pattern === undefined || new RegExp(pattern).test(entry.text));
  const shown = limit === 0 ? [] : found.slice(-limit);
  const lines = shown.map(({ at, from, text }) =>
    output === 'cat' ? text : `${timeOf(at)} ${machine.name} ${from}: ${text}`,
  );
  if (shown.length === 0 && limit !== 0 && !options.has('-q', '--quiet')) lines.push('-- No entries --');
  if (shown.length === 0 && pattern !== undefined) return fail(1, '', lines.map((line) => `${line}\n`).join(''));
  if (options.has('--show-cursor')) lines.push(`-- cursor: ${cursorOf(shown.at(-1)?.n ?? world.state.lastEntry)}`);
  return ok(lines.map((line) => `${line}\n`).join(''));
};
