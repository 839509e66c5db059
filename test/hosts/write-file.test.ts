import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { localChannel } from '../../src/hosts/channel.ts';
import { ShellHost } from '../../src/hosts/shell-host.ts';
import { BENT, writeFunctions } from '../../src/hosts/write-script.ts';
import { Refused } from '../../src/model/errors.ts';

/* The real script in a real directory: links and directories that somebody planted where a file of lab's will be. */

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;
const host = new ShellHost('local', async () => localChannel);
const secret = Buffer.from('correct horse battery staple');
let directory: string;
let victim: string;

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'lab-write-'));
  onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true }));
  victim = join(directory, 'victim');
  fs.mkdirSync(join(directory, 'ours'));
  fs.writeFileSync(victim, 'untouched', { mode: 0o600 });
});

const at = (...names: readonly string[]) => join(directory, ...names);
const modeOf = (path: string) => fs.lstatSync(path).mode & 0o7777;
const untouched = () => {
  expect(fs.readFileSync(victim, 'utf8')).toBe('untouched');
  expect(modeOf(victim)).toBe(0o600);
};

test('a new file has its bytes and its mode, and its directories are not open to others, whatever the umask', async () => {
  const old = process.umask(0);
  onTestFinished(() => void process.umask(old));
  await host.writeFile(at('ours', 'a b', 'c', 'key'), secret, 0o600);
  await host.writeFile(at('ours', 'a b', 'program'), secret, 0o755);
  expect(fs.readFileSync(at('ours', 'a b', 'c', 'key'))).toEqual(secret);
  expect(
    [['a b'], ['a b', 'c'], ['a b', 'c', 'key'], ['a b', 'program']].map((path) => modeOf(at('ours', ...path))),
  ).toEqual([0o755, 0o755, 0o600, 0o755]);
  expect(fs.readdirSync(at('ours', 'a b'))).toEqual(['c', 'program']);
});

const writeScript = `${writeFunctions}set -e
put "$@"
kept`;

describe('a link is replaced, not followed', () => {
  test.each(['file', 'directory', 'nothing'])('at the name, to a %s', async (kind) => {
    const target = kind === 'file' ? victim : at(kind === 'directory' ? 'elsewhere' : 'missing');
    if (kind === 'directory') fs.mkdirSync(target);
    fs.symlinkSync(target, at('ours', 'key'));
    await host.writeFile(at('ours', 'key'), secret, 0o644);
    expect(fs.lstatSync(at('ours', 'key')).isFile()).toBe(true);
    untouched();
    if (kind === 'directory') expect(fs.readdirSync(target)).toEqual([]);
    if (kind === 'nothing') expect(fs.existsSync(target)).toBe(false);
  });

  test('at the temporary name', async () => {
    // $$ is known to nobody else: so the shell plants it itself, right before the script.
    const plant = 'ln -s "$VICTIM" "${1%/*}/.lab.$$.tmp"\n';
    await execa('sh', ['-c', plant + writeScript, 'sh', at('ours', 'key'), '644', '28'], {
      input: secret,
      env: { VICTIM: victim },
    });
    expect(fs.readFileSync(at('ours', 'key'))).toEqual(secret);
    untouched();
  });

  test('at the temporary name, the moment it was free', async () => {
    const script = writeScript.replace('set -C\n', 'set -C\nln -s "$VICTIM" "$temp"\n');
    expect(script).not.toBe(writeScript);
    const ran = await execa('sh', ['-c', script, 'sh', at('ours', 'key'), '644', '28'], {
      input: secret,
      env: { VICTIM: victim },
      reject: false,
    });
    expect(ran.exitCode).not.toBe(0);
    expect(fs.existsSync(at('ours', 'key'))).toBe(false);
    untouched();
  });
});

describe('a place that others can bend is refused, and nothing is made there', () => {
  const refused = async (...names: readonly string[]) => {
    await expect(host.writeFile(at(...names), secret, 0o600)).rejects.toThrow(Refused);
    expect(fs.existsSync(at(...names))).toBe(false);
    untouched();
  };

  test('a directory that everybody can write', async () => {
    fs.chmodSync(at('ours'), 0o777);
    await refused('ours', 'key');
    await refused('ours', 'deeper', 'key');
    expect(fs.readdirSync(at('ours'))).toEqual([]);
  });

  test('but not a sticky one, in which what is ours stays ours', async () => {
    fs.chmodSync(at('ours'), 0o1777);
    await host.writeFile(at('ours', 'key'), secret, 0o600);
    expect(fs.readFileSync(at('ours', 'key'))).toEqual(secret);
  });

  test('a link to such a directory', async () => {
    fs.mkdirSync(at('open', 'deep'), { recursive: true });
    fs.chmodSync(at('open'), 0o777);
    fs.symlinkSync(at('open', 'deep'), at('ours', 'link'));
    await refused('ours', 'link', 'key');
    expect(fs.readdirSync(at('open', 'deep'))).toEqual([]);
  });

  test.skipIf(!isRoot)('a directory, or a link in a sticky one, that belongs to another user', async () => {
    fs.mkdirSync(at('theirs'));
    fs.chownSync(at('theirs'), nobody, nobody);
    await refused('theirs', 'key');
    fs.chmodSync(at('ours'), 0o1777);
    fs.mkdirSync(at('elsewhere'));
    fs.symlinkSync(at('elsewhere'), at('ours', 'link'));
    fs.lchownSync(at('ours', 'link'), nobody, nobody);
    await refused('ours', 'link', 'key');
    await refused('ours', 'link', 'deeper', 'key');
    expect(fs.readdirSync(at('elsewhere'))).toEqual([]);
  });

  test.skipIf(!isRoot)('a directory that another group can write', async () => {
    fs.chownSync(at('ours'), 0, nobody);
    fs.chmodSync(at('ours'), 0o775);
    await refused('ours', 'key');
  });

  test('it says which place, whose it is, and what to do', async () => {
    fs.chmodSync(at('ours'), 0o777);
    await expect(host.writeFile(at('ours', 'key'), secret, 0o600)).rejects.toMatchObject({
      message: `on local: ${at('ours', 'key')} was not written: ${at('ours')} can be written by everybody`,
      hint: expect.stringContaining('chmod go-w'),
    });
  });
});

test('what did not come whole gets no name', async () => {
  const ran = await execa('sh', ['-c', writeScript, 'sh', at('ours', 'key'), '600', '100'], {
    input: 'short',
    reject: false,
  });
  expect([0, BENT]).not.toContain(ran.exitCode);
  expect(fs.readdirSync(at('ours'))).toEqual([]);
});
