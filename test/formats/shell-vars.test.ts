import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editShellVars, readShellVars } from '../../src/formats/shell-vars.ts';
import { BadInput } from '../../src/model/errors.ts';

const read = (text: string) => Object.fromEntries(readShellVars(text));

describe('reading', () => {
  test('a file as the document has it', () => {
    const text = `# Configuration of cman
#CMAN_QUORUM_TIMEOUT=300
NETWORKING=yes
  HOSTNAME=molly.example.com   # of this guest
export FENCE_XVMD_OPTS="-LX -I xenbr0 -U xen:///"

CMAN_CLUSTER_TIMEOUT=120
CMAN_CLUSTER_TIMEOUT='60'
`;
    expect(read(text)).toEqual({
      NETWORKING: 'yes',
      HOSTNAME: 'molly.example.com',
      FENCE_XVMD_OPTS: '-LX -I xenbr0 -U xen:///',
      CMAN_CLUSTER_TIMEOUT: '60',
    });
  });

  test.each([
    ['', {}],
    ['A=', { A: '' }],
    ['A=""', { A: '' }],
    ['A=b#c', { A: 'b#c' }],
    ['A=b # c', { A: 'b' }],
    [`A=a"b c"'d $e'\\ f`, { A: 'ab cd $e f' }],
    ['A="\\$x \\`y\\` \\"z\\" \\\\ \\n"', { A: '$x `y` "z" \\ \\n' }],
    ['A="two\nlines"\nB=1', { A: 'two\nlines', B: '1' }],
    ['A="con\\\ntinued"\nB=con\\\ntinued', { A: 'continued', B: 'continued' }],
    ['A=1; B=2;C=3', { A: '1', B: '2', C: '3' }],
    ['A=1 B=2', { A: '1', B: '2' }],
    ['A=1 date\nB=2; date', { B: '2' }],
    ['A = 1\n1A=1\nA-B=1\necho A=1', {}],
    ['A=1\r\nB="2"\r\n', { A: '1', B: '2' }],
    ['A=$HOME/x', { A: '$HOME/x' }],
    ['__proto__=1', Object.fromEntries([['__proto__', '1']])],
  ])('%j', (text, expected) => expect(read(text)).toEqual(expected));
});

describe('editing', () => {
  test('changes only what differs', () => {
    const text = `# A=0\nA='1'  # one\n\tB=2\nA="3" # three\n`;
    expect(editShellVars(text, { A: '3', B: '2' })).toBe(text);
    expect(editShellVars(text, { A: '4' })).toBe(text.replace('"3"', '4'));
    expect(editShellVars(text, { B: 'x y' })).toBe(text.replace('B=2', 'B="x y"'));
    expect(editShellVars(text, { C: '5', D: '' })).toBe(`${text}C=5\nD=\n`);
    expect(editShellVars(text, { A: undefined })).toBe('# A=0\n\tB=2\n');
    expect(editShellVars(text, { A: undefined, B: undefined, C: undefined })).toBe('# A=0\n');
    expect(editShellVars(text, {})).toBe(text);
  });

  test.each([
    ['plain-1.2_3:/a,b@c%d+e=f', 'plain-1.2_3:/a,b@c%d+e=f'],
    ['', ''],
    ['a b', '"a b"'],
    ['$HOME', '"\\$HOME"'],
    ['a`b"c\\d', '"a\\`b\\"c\\\\d"'],
    ["it's", `"it's"`],
    ['a;b', '"a;b"'],
    ['~/x', '"~/x"'],
    ['é', '"é"'],
    ['a\tb', '"a\tb"'],
  ])('writes %j as %s', (value, text) => {
    expect(editShellVars('', { A: value })).toBe(`A=${text}\n`);
    expect(read(`A=${text}\n`)).toEqual({ A: value });
  });

  test('writes out what a shell would expand', () => {
    expect(editShellVars('A=$HOME\n', { A: '$HOME' })).toBe('A="\\$HOME"\n');
    expect(editShellVars('A=~\n', { A: '~' })).toBe('A="~"\n');
    expect(editShellVars('A="`date`"\n', { A: 'now' })).toBe('A=now\n');
    expect(editShellVars(`A='$HOME'\n`, { A: '$HOME' })).toBe(`A='$HOME'\n`);
  });

  test('keeps CR LF, also in what it adds', () => {
    expect(editShellVars('A=1\r\nB=2\r\n', { A: '3', C: '4' })).toBe('A=3\r\nB=2\r\nC=4\r\n');
    expect(editShellVars('A=1\r\nB=2\r\n', { A: undefined })).toBe('B=2\r\n');
  });

  test('ends a last line that has no end before it adds one', () => {
    expect(editShellVars('A=1', { B: '2' })).toBe('A=1\nB=2\n');
    expect(editShellVars('A=1', { A: '2' })).toBe('A=2');
    expect(editShellVars('A=1\nB=2', { B: undefined })).toBe('A=1\n');
    // A backslash would take the new line along.
    expect(editShellVars('A=1\\', { B: '2' })).toBe('A=1\\\n\nB=2\n');
    expect(editShellVars('A=1\\\n', { B: '2' })).toBe('A=1\\\n\nB=2\n');
  });

  test('leaves the others on a line alone', () => {
    expect(editShellVars('A=1; B=2 # both\n', { A: undefined })).toBe('B=2 # both\n');
    expect(editShellVars('A=1; B=2 # both\n', { B: undefined })).toBe('A=1; # both\n');
    expect(editShellVars('export A=1 B=2\n', { A: undefined })).toBe('export B=2\n');
    expect(editShellVars('A=1; date\n', { A: undefined })).toBe('date\n');
    expect(editShellVars('A=1 date\n', { A: '2' })).toBe('A=1 date\nA=2\n');
    expect(editShellVars('A=1; B=2\nC=3\n', { A: undefined, B: undefined })).toBe('C=3\n');
    expect(editShellVars('A="1\n2" # x\nB=2\n', { A: undefined })).toBe('B=2\n');
  });

  test.each<[string, Record<string, string | undefined>, string]>([
    ['', { 'A B': '1' }, '"A B=1" is no line of shell'],
    ['', { A: 'a\nb' }, '"A=a\\nb" is no line of shell'],
    ['', { A: '\u0007' }, 'is no line of shell'],
    ['B=1\nA="x\n', { B: '2' }, 'KEY=value:2: the quote in the value of A is never closed'],
    ["A='x", {}, 'KEY=value:1: the quote in the value of A is never closed'],
  ])('refuses %j with %j', (text, vars, message) => {
    expect(() => editShellVars(text, vars)).toThrow(BadInput);
    expect(() => editShellVars(text, vars)).toThrow(message);
  });
});

const value = fc.string({ unit: fc.constantFrom(...'ab $`"\\\'#;~=\té!&') });
const vars = fc.dictionary(fc.constantFrom('A', 'B', 'CC', '__proto__'), fc.option(value, { nil: undefined }));
const line = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('', ' ', 'export '),
      fc.constantFrom('A', 'B', 'CC', 'D'),
      fc.constantFrom('', '1', '"x y"', "'$z'", '$HOME', 'a\\ b'),
    )
    .map(([before, key, written]) => `${before}${key}=${written}`),
  fc.constantFrom('', '# A=1', 'echo "$A"', 'A=1 date', 'if true; then', '# it\'s "', '  # \\'),
);
const file = fc
  .tuple(fc.array(fc.tuple(line, fc.constantFrom('\n', ' # c\n', '; ', '\r\n', ' ', '\\\n'))), fc.boolean())
  .map(([lines, open]) =>
    lines
      .flat()
      .join('')
      .slice(0, open ? -1 : undefined),
  );

/** Undefined if the text or the variables are refused; anything but BadInput goes through. */
function edited(text: string, wanted: Record<string, string | undefined>): string | undefined {
  try {
    return editShellVars(text, wanted);
  } catch (error) {
    if (error instanceof BadInput) return undefined;
    throw error;
  }
}

test('after an edit the file says what was asked for, the others say what they said, and the second edit does nothing', () => {
  fc.assert(
    fc.property(file, vars, (text, wanted) => {
      const once = edited(text, wanted);
      if (once === undefined) return;
      const [before, after] = [readShellVars(text), readShellVars(once)];
      for (const [key, said] of Object.entries(wanted)) expect(after.get(key)).toBe(said);
      for (const [key, said] of before) if (!Object.hasOwn(wanted, key)) expect(after.get(key)).toBe(said);
      expect(editShellVars(once, wanted)).toBe(once);
    }),
    { numRuns: 1000 },
  );
});

test('whatever the text, it is edited for good or refused with BadInput', () => {
  const any = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'AB=\'"\\;# \t\r\n$') }));
  fc.assert(
    fc.property(any, vars, (text, wanted) => {
      readShellVars(text);
      const once = edited(text, wanted);
      if (once !== undefined) expect(editShellVars(once, wanted)).toBe(once);
    }),
    { numRuns: 1000 },
  );
});

test('a shell reads what was written', () => {
  const values = fc.sample(value, { numRuns: 200, seed: 11 });
  const text = editShellVars('# head\nV1="old"\n', Object.fromEntries(values.map((one, at) => [`V${at}`, one])));
  const print = values.map((_, at) => `"$V${at}"`).join(' ');
  const printed = execFileSync('sh', ['-c', `${text}\nprintf '%s\\0' ${print}`], { encoding: 'utf8' });
  expect(printed.split('\0').slice(0, -1)).toEqual(values);
});

test('long texts do not exhaust the stack', () => {
  const long = '\\"'.repeat(5e5);
  expect(readShellVars(`# ${long}\nA="${long}"\nB=${'\\ '.repeat(5e5)}`).get('A')).toHaveLength(5e5);
});
