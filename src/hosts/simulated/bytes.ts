import { createHash } from 'node:crypto';
import { type Call, fail, getopt, type Handler, ok, type Result } from './call.ts';

const noSuch = 'No such file or directory';

/** sha256sum(1). */
export const sha256sum: Handler = ({ machine: { tree }, args }) => {
  const options = getopt(args, ['--check', '-c', '--strict']);
  if (!options.has('--check', '-c'))
    return eachFile({ tree, args: options.rest }, (bytes, path) => `${sha256(bytes)}  ${path}\n`);
  const lines = tree
    .text(options.rest[0] ?? '')
    ?.split('\n')
    .filter(Boolean);
  if (!lines) return fail(1, `sha256sum: ${options.rest[0]}: ${noSuch}`);
  const bad = lines.filter((line) => sha256(tree.read(line.slice(66)) ?? Buffer.alloc(0)) !== line.slice(0, 64));
  const told = lines.map((line) => `${line.slice(66)}: ${bad.includes(line) ? 'FAILED' : 'OK'}\n`).join('');
  return bad.length === 0
    ? ok(told)
    : fail(1, `sha256sum: WARNING: ${bad.length} computed checksum did NOT match`, told);
};

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What a program prints for each file, as cat(1) would. */
export function eachFile(
  { tree, args }: Pick<Call['machine'], 'tree'> & { args: readonly string[] },
  print: (bytes: Buffer, path: string) => string,
  program = 'sha256sum',
): Result {
  const answers = args.map((path) => {
    const bytes = tree.read(path);
    return bytes
      ? { out: print(bytes, path) }
      : { error: `${program}: ${path}: ${tree.isDirectory(path) ? 'Is a directory' : noSuch}\n` };
  });
  const stdout = answers.map(({ out = '' }) => out).join('');
  const stderr = answers.map(({ error = '' }) => error).join('');
  return { code: stderr ? 1 : 0, stdout, stderr };
}

export function md5(bytes: Uint8Array | string): string {
  return createHash('md5').update(bytes).digest('hex');
}
