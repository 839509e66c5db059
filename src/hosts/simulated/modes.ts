import { chmodSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BadUsage, fail, getopt, type Handler, ok } from './call.ts';

/** chmod(1). */
export const chmod: Handler = ({ machine: { tree }, args }) => {
  const options = getopt(args, ['-R']);
  const [mode = '', ...paths] = options.rest;
  const change = (path: string): void => {
    const real = tree.real(path);
    const stat = statSync(real);
    chmodSync(real, newMode(mode, stat.mode & 0o7777, stat.isDirectory()));
    if (options.has('-R') && stat.isDirectory()) {
      for (const name of readdirSync(real)) {
        const path2 = join(path, name);
        if (!lstatSync(tree.real(path2, true)).isSymbolicLink()) change(path2);
      }
    }
  };
  for (const path of paths) {
    if (!tree.has(path)) return fail(1, `chmod: cannot access '${path}': No such file or directory`);
    change(path);
  }
  return ok();
};

/** Octal, or clauses like `u=rwX,go=rX`. @throws BadUsage for what is neither */
function newMode(text: string, old: number, isDirectory: boolean): number {
  if (/^[0-7]{3,4}$/.test(text)) return octal(text);
  let mode = old;
  for (const clause of text.split(',')) {
    const [, who, how, what] = /^([ugoa]*)([=+-])([rwxX]*)$/.exec(clause) ?? [];
    if (what === undefined) throw new BadUsage(`invalid mode: ‘${text}’`);
    const executable = isDirectory || (old & 0o111) !== 0;
    const bits = [...what].reduce(
      (sum, letter) => sum | (letter === 'r' ? 4 : letter === 'w' ? 2 : letter === 'x' || executable ? 1 : 0),
      0,
    );
    for (const [letter, shift] of [
      ['u', 6],
      ['g', 3],
      ['o', 0],
    ] as const) {
      if (who !== '' && !who?.includes('a') && !who?.includes(letter)) continue;
      if (how === '=') mode = (mode & ~(7 << shift)) | (bits << shift);
      else mode = how === '+' ? mode | (bits << shift) : mode & ~(bits << shift);
    }
  }
  return mode;
}

/** @throws BadUsage */
export function octal(text: string): number {
  if (!/^[0-7]{3,4}$/.test(text)) throw new BadUsage(`invalid mode ‘${text}’`);
  return Number.parseInt(text, 8);
}
