import type { FileChange } from '../model/change.ts';
import { ask } from './ask.ts';
import { diffOf } from './reporters/changes.ts';
import { tidy } from './reporters/words.ts';
import { warn } from './output.ts';

/** Shows what somebody edited by hand and lab would write again, and asks. Without a terminal, or with `--yes`, nobody is asked. */
export async function consent(edited: readonly FileChange[], yes: boolean): Promise<boolean> {
  for (const change of edited) {
    const kept = yes ? `, and is kept as ${change.byHand}` : '';
    warn(`lab: ${change.path} was edited by hand since lab wrote it${kept}; what lab would change:\n`);
    warn(`${tidy(diffOf(change) ?? '(no text)')}\n`);
  }
  if (yes) return true;
  if (!process.stdin.isTTY || process.env.CI) return false;
  const copies = edited.map(({ byHand }) => byHand).join(', ');
  return ask(`Write ${edited.length === 1 ? 'it' : 'them'} again? Your version stays: ${copies}`);
}
