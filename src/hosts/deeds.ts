import { randomBytes } from 'node:crypto';
import { CommandFailed, Refused } from '../model/errors.ts';
import type { Argv, Deed, DeedOptions, Host, Ran } from '../model/host.ts';
import { quote, quoteWord } from './quote.ts';
import { BENT, writeFunctions } from './write-script.ts';

/**
 * Does several things on a host in one session, one after the other, until one fails. If lab dies, the next one is not begun:
 * nobody reads what `begin` says, and that ends the shell (SIGPIPE).
 * @returns how those ended that were begun
 * @throws Refused, CommandFailed for a file that was not written
 */
export async function doAll(
  host: Pick<Host, 'name' | 'run'>,
  deeds: readonly Deed[],
  { begins, ...options }: DeedOptions = {},
): Promise<readonly Ran[]> {
  const word = randomBytes(12).toString('hex');
  const onOutput = begins && tellsBegun(word, begins);
  const ran = await host.run(['sh', '-c', script(deeds, word)], {
    ...options,
    input: Buffer.concat(deeds.flatMap((deed) => ('argv' in deed ? [] : [deed.bytes]))),
    ...(onOutput ? { onOutput } : {}),
  });
  const [out, err] = [ran.stdout, ran.stderr].map((text) => parts(text, word));
  const begun = Math.max(1, out?.length ?? 0);
  return deeds.slice(0, begun).map((deed, n) => {
    const last = n === begun - 1;
    const one = { code: last ? ran.code : 0, stdout: out?.[n] ?? '', stderr: err?.[n] ?? (last ? ran.stderr : '') };
    if ('argv' in deed) return { argv: deed.argv, ...one };
    return { argv: written(host.name, deed.path, one), ...one };
  });
}

function script(deeds: readonly Deed[], word: string): string {
  const lines = deeds.map((deed, n) => {
    if (!('argv' in deed))
      return `begin ${n}\nput ${quoteWord(deed.path)} ${deed.mode.toString(8)} ${deed.bytes.length}`;
    return `kept\nbegin ${n}\n${quote(deed.argv)} < /dev/null`;
  });
  const functions = deeds.some((deed) => !('argv' in deed)) ? writeFunctions : 'kept() { :; }\n';
  return `set -e
begin() { echo ${word} $1; echo ${word} $1 >&2; }
${functions}${lines.join('\n')}
kept`;
}

/** What each of those said that were begun. */
const parts = (text: string, word: string) => text.split(new RegExp(`${word} \\d+\\n`)).slice(1);

function tellsBegun(word: string, begins: (n: number) => void): (chunk: string) => void {
  let text = '';
  let told = 0;
  return (chunk) => {
    text += chunk;
    for (const begun = parts(text, word).length; told < begun; told++) begins(told);
  };
}

function written(host: string, path: string, { code, stderr }: Pick<Ran, 'code' | 'stderr'>): Argv {
  if (code === BENT)
    throw new Refused(
      `on ${host}: ${path} was not written: ${stderr.trim()}`,
      'others could lead it elsewhere: give that place to root alone (chown, chmod go-w), or choose another',
    );
  if (code !== 0) throw new CommandFailed({ host, argv: ['write', path], code, stderr });
  return ['write', path];
}
