import { Unreachable } from '../model/errors.ts';
import type { Stat } from '../model/host.ts';
import { quoteWord } from './quote.ts';
import type { Answer } from './session.ts';

/**
 * The looks that are not one plain command, as POSIX sh and the coreutils of 2007: a text to run, and how to read its answer.
 * Exit code 44 is ours: no such file.
 */
export interface Scriptlet<T> {
  readonly text: string;
  /** The program of `text` takes many files at once: this one joins those that others ask for with the same text. */
  readonly path?: string;
  read(answer: Answer): T;
}

/** The texts of a batch: each look once, and one program for all the files it is asked about. @returns for each scriptlet the index of its text */
export function joined(scriptlets: readonly Pick<Scriptlet<unknown>, 'text' | 'path'>[]): {
  texts: readonly string[];
  index: readonly number[];
} {
  const paths = new Map<string, Set<string>>();
  for (const { text, path } of scriptlets) {
    const known = paths.get(text) ?? new Set();
    paths.set(text, path === undefined ? known : known.add(path));
  }
  const order = [...paths.keys()];
  return {
    texts: order.map((text) => [text, ...[...(paths.get(text) ?? [])].map(quoteWord)].join(' ')),
    index: scriptlets.map(({ text }) => order.indexOf(text)),
  };
}

/** The line about one of many files; undefined if there is no such file. @throws Unreachable if it could not be looked at */
function lineAbout(path: string, { stdout, stderr }: Answer): string | undefined {
  const line = stdout
    .toString()
    .split('\n')
    .find((text) => text.endsWith(` ${path}`));
  const trouble = stderr.split('\n').find((text) => text.includes(path) && !/No such file|Not a directory/.test(text));
  if (line === undefined && trouble) throw new Unreachable(path, trouble);
  return line?.slice(0, -path.length - 1);
}

/** What a program of a host said makes no sense: nothing is concluded from it. @throws Unreachable */
function garbled(path: string, program: string, said: string): never {
  throw new Unreachable(path, `${program} said ${JSON.stringify(said.slice(0, 60))}`);
}

/** sha256sum(1): 64 hex digits, then the name. */
function digestIn(line: string | undefined, path: string): string | undefined {
  if (line === undefined) return undefined;
  return /^[0-9a-f]{64}(?=\s|$)/.exec(line)?.[0] ?? garbled(path, 'sha256sum', line);
}

const absent = 44;

function orAbsent<T>(what: string, read: (answer: Answer) => T): (answer: Answer) => T | undefined {
  return (answer) => {
    if (answer.code === absent) return undefined;
    if (answer.code !== 0) throw new Unreachable(what, answer.stderr.trim() || `exit code ${answer.code}`);
    return read(answer);
  };
}

const whenThere = (path: string, then: string) => `[ -e ${quoteWord(path)} ] || exit ${absent}; ${then}`;

export function readFileScript(path: string): Scriptlet<Uint8Array | undefined> {
  return { text: whenThere(path, `cat ${quoteWord(path)}`), read: orAbsent(path, ({ stdout }) => stdout) };
}

export function listScript(path: string): Scriptlet<readonly string[] | undefined> {
  return {
    text: whenThere(path, `ls -1A ${quoteWord(path)}`),
    read: orAbsent(path, ({ stdout }) => stdout.toString().split('\n').filter(Boolean).sort()),
  };
}

export function digestScript(path: string): Scriptlet<string | undefined> {
  return { text: 'sha256sum', path, read: (answer) => digestIn(lineAbout(path, answer), path) };
}

export function statScript(path: string): Scriptlet<Stat | undefined> {
  return {
    text: "LC_ALL=C stat -L -c '%s %b %B %a %u %.3Y %F %n'",
    path,
    read: (answer) => {
      const line = lineAbout(path, answer);
      if (line === undefined) return undefined;
      const [, size, blocks, blockSize, mode = '', uid, modified, kind = ''] =
        /^(\d+) (\d+) (\d+) ([0-7]+) (\d+) ([\d.]+) (.+)$/.exec(line) ?? garbled(path, 'stat', line);
      return {
        size: Number(size),
        allocated: Number(blocks) * Number(blockSize),
        mode: Number.parseInt(mode, 8),
        uid: Number(uid),
        modified: Number(modified),
        kind: kinds[kind] ?? 'other',
      };
    },
  };
}

const kinds: Readonly<Record<string, Stat['kind']>> = {
  'regular file': 'file',
  'regular empty file': 'file',
  directory: 'directory',
  'block special file': 'block',
};

/**
 * debugfs(8) reads an ext2/3/4 image without mounting it: nothing is written, not even a journal replayed.
 * It ends with 0 whatever happened; what it could not find, it says on stderr.
 */
function debugfs(image: string, request: string, path: string, then = ''): string {
  return whenThere(image, `debugfs -R ${quoteWord(`${request} "${path}"`)} ${quoteWord(image)}${then}`);
}

function notInImage(answer: Answer): boolean {
  return answer.code === absent || /File not found by ext2_lookup|Bad magic number|not found by/.test(answer.stderr);
}

export function diskFileScript(image: string, path: string): Scriptlet<Uint8Array | undefined> {
  return { text: debugfs(image, 'cat', path), read: (answer) => (notInImage(answer) ? undefined : answer.stdout) };
}

/**
 * One debugfs for all files of an image that are asked about, into memory of the host (a file may be a secret), and one sha256sum.
 * A file that is not there has no digest; one of which not all could be read, or kept, is an error: `while writing file`.
 */
export function diskDigestScript(image: string, path: string): Scriptlet<string | undefined> {
  const all = `d=$(mktemp -d /dev/shm/lab.XXXXXX) || exit; n=0
for p; do n=$((n + 1)); printf 'dump "%s" %s\\n' "$p" "$d/$n"; done | debugfs -f - ${quoteWord(image)} > /dev/null
c=$?; cd "$d"
if ls [0-9]* > /dev/null 2>&1; then
  s=$(sha256sum [0-9]*) || c=1
  echo "$s" | while read -r digest n; do eval "echo $digest \\"\\\${$n}\\""; done
fi
rm -rf "$d"; exit $c`;
  return {
    text: `about() { ${whenThere(image, all)}; }; about`,
    path,
    read: (answer) => {
      if (answer.code === absent) return undefined;
      if (answer.code !== 0 || /while (opening|reading|writing) /.test(answer.stderr))
        throw new Unreachable(path, answer.stderr.trim() || `exit code ${answer.code}`);
      const lines = answer.stdout.toString().split('\n');
      return digestIn(
        lines.find((line) => line.endsWith(` ${path}`)),
        path,
      );
    },
  };
}

/**
 * One debugfs for all files of an image that are asked about. Before each answer it says the request: `debugfs: stat "/etc/hosts"`, then
 * `Inode: 171   Type: regular    Mode:  0600   Flags: 0x80000` … `User:     0   Group:     0   Project:     0   Size: 4096` …
 * `Blockcount: 8` … `mtime: 0x5f3e1a2b:00000000 -- …`; nothing for a file that is not there.
 */
export function diskStatScript(image: string, path: string): Scriptlet<Stat | undefined> {
  const all = `printf 'stat "%s"\\n' "$@" | debugfs -f - ${quoteWord(image)}`;
  return {
    text: `about() { ${whenThere(image, all)}; }; about`,
    path,
    read: (answer) => {
      if (notInImage({ ...answer, stderr: '' })) return undefined;
      const [, said] = `\n${answer.stdout.toString()}`.split(`\ndebugfs: stat "${path}"`);
      if (said === undefined) {
        if (/Bad magic number/.test(answer.stderr)) return undefined;
        throw new Unreachable(path, answer.stderr.trim() || `debugfs said nothing about it (exit code ${answer.code})`);
      }
      const [text = ''] = said.split('\ndebugfs: ');
      const field = (pattern: RegExp) => pattern.exec(text)?.[1];
      const type = field(/Type:\s*(\w+)/);
      if (type === undefined) return undefined;
      return {
        kind: type === 'regular' ? 'file' : type === 'directory' ? 'directory' : type === 'block' ? 'block' : 'other',
        size: Number(field(/Size:\s*(\d+)/) ?? 0),
        allocated: Number(field(/Blockcount:\s*(\d+)/) ?? 0) * 512,
        mode: Number.parseInt(field(/Mode:\s*(\d+)/) ?? '0', 8) & 0o7777,
        uid: Number(field(/User:\s*(\d+)/) ?? 0),
        modified: Number.parseInt(field(/mtime:\s*0x([0-9a-f]+)/) ?? '0', 16),
      };
    },
  };
}
