import { describe, expect, test } from 'vitest';
import { type DomainEdits, editDomainFile, PYTHON, readDomainFile } from '../../src/formats/domain-file.ts';
import { BadInput } from '../../src/model/errors.ts';

function edit(text: string, edits: DomainEdits, annotate = false): string {
  return editDomainFile(text, edits, { file: '/etc/xen/molly', annotate });
}

function complaintsOf(act: () => unknown): readonly string[] {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(BadInput);
    return (error as BadInput).message.split('\n').filter((line) => !line.startsWith('  '));
  }
  throw new Error('nothing was thrown');
}

const valuesOf = (text: string) => Object.fromEntries(readDomainFile(text, 'f').values);

describe('reading', () => {
  test('values of every kind', () => {
    const text = `a = "x"; b = 'y' ; c = 0x10
d = 010
e = 256L
f = [ 'p', "q", 3, ] # [
g = [ ["a", "b"], 'c', [] ]
h = "\\x41\\102\\t\\"\\'\\\\\\d"
i = ""
j = "a\\\r\nb"`;
    expect(valuesOf(text)).toEqual({
      a: 'x',
      b: 'y',
      c: 16,
      d: 8,
      e: 256,
      f: ['p', 'q', '3'],
      g: ['a', 'b', 'c'],
      h: 'AB\t"\'\\\\d',
      i: '',
      j: 'ab',
    });
  });

  test.each([
    'x = "a" "b"',
    'x = ["a" "b"]',
    'x = ["a",,"b"]',
    'x = "a" % 1',
    'x = f("a")',
    'x = """a"""',
    "x = r'a'",
    'x = True',
    'x = -1',
    'x = 1.5',
    'x = 09',
    'x = "a",',
    'x = ("a", "b")',
    'x = ["a"] + ["b"]',
    'x = [[["a"]]]',
    'x = ["a"[0]]',
    'x = 99999999999999999999',
    'x = 1\nx += 1',
    'x = 1\nif y: x = 2',
    'x = 1\nif y: a = 1; x = 2',
    'x = 1\nif y:\n  z = 0\n\n  x = 2',
    'x = 1\nx.append(2)',
    'x = 1\nx, y = 1, 2',
    'x = 1\nx -= 1',
    'x = y = 1',
  ])('%j is for Python alone', (text) => {
    expect(readDomainFile(text, 'f').values.get('x') ?? PYTHON).toBe(PYTHON);
  });

  test('a Python block ends where the indentation does', () => {
    expect(valuesOf('if a:\n\tif b:\n\t\tx = 1\n\tx = 2\n# c\nx = 3\n  x = 4')).toEqual({ x: 4 });
  });

  test('each assignment knows where it is', () => {
    const text = '\uFEFFa = 1\r\n b = [ "x",\r\n "y" ]; c = 2 # end\r\n';
    const found = readDomainFile(text, 'f').assignments;
    expect(found.map(({ place }) => place)).toEqual([
      { file: 'f', line: 1, column: 1 },
      { file: 'f', line: 2, column: 2 },
      { file: 'f', line: 3, column: 9 },
    ]);
    expect(found.map(({ span }) => text.slice(span.start, span.end))).toEqual(['1', '[ "x",\r\n "y" ]', '2']);
    expect(found.map(({ line }) => text.slice(line.start, line.end))).toEqual([
      'a = 1',
      ' b = [ "x",\r\n "y" ]; c = 2 # end',
      ' b = [ "x",\r\n "y" ]; c = 2 # end',
    ]);
  });
});

describe('editing keeps', () => {
  test('CR LF, also in what it adds', () => {
    const before = 'name = "a"\r\ndisk = [\r\n  "x",\r\n]\r\n';
    expect(edit(before, { name: 'm', disk: ['p', 'q'], memory: 5 })).toBe(
      'name = "m"\r\ndisk = [\r\n  "p",\r\n  "q",\r\n]\r\nmemory = 5\r\n',
    );
    expect(edit(before, { name: 'm', disk: ['p'] }, true)).toBe(
      '# name = "a"\r\nname = "m"\r\n# disk = [\r\n#   "x",\r\n# ]\r\ndisk = [\r\n  "p",\r\n]\r\n',
    );
  });

  test('a last line without an end', () => {
    expect(edit('a = 1\nname = "a"', { name: 'm' })).toBe('a = 1\nname = "m"');
    expect(edit('a = 1\nname = "a"', { name: 'm' }, true)).toBe('a = 1\n# name = "a"\nname = "m"');
    expect(edit('a = 1', { name: 'm', vcpus: 2 })).toBe('a = 1\nname = "m"\nvcpus = 2');
    expect(edit('# a', { name: 'm' })).toBe('# a\nname = "m"');
    expect(edit('', { name: 'm' })).toBe('name = "m"\n');
  });

  test('comments inside a list, above it and as far to the right', () => {
    expect(edit('  disk = [ # one\n    "a", # two\n ] # three\n', { disk: ['m'] })).toBe(
      '  # one\n  # two\n  disk = [\n    "m",\n ] # three\n',
    );
  });

  test('the manner of lists that hold more than strings', () => {
    expect(edit("disk = ['a',1, [ 'b' ],]\nvif = [1,'a']\n", { disk: ['m', 'n'], vif: ['o'] })).toBe(
      "disk = ['m', 'n',]\nvif = [ 'o' ]\n",
    );
  });

  test('a byte order mark in front', () => {
    expect(edit('\uFEFFname = "a"\n', { name: 'm' }, true)).toBe('\uFEFF# name = "a"\nname = "m"\n');
    expect(edit('\uFEFF', { name: 'm' })).toBe('\uFEFFname = "m"\n');
  });

  test('what is not asked for, Python or not', () => {
    const python = 'import os\nname = "a%d" % 1\ndisk += ["x"]\n';
    expect(edit(python, { memory: 5 })).toBe(`${python}memory = 5\n`);
    expect(edit('name = "a%d" % 1\nname = "b"\n', { name: 'm' })).toBe('name = "a%d" % 1\nname = "m"\n');
  });
});

test("the document's annotated example, from its default file", () => {
  const before = `name = "Default"
uuid = "46fcd834-e5b5-17ba-c3df-a4091fd62955"
maxmem = 256
memory = 256
vcpus = 1
bootloader = "/usr/bin/pygrub"
on_poweroff = "destroy"
on_reboot = "restart"
on_crash = "restart"
vfb = [  ]
disk = [ "tap:aio:/guests/default.img,xvda,w" ]
vif = [ "mac=00:16:3e:00:cf:fd,bridge=xenbr0" ]
`;
  const edits = {
    name: 'molly',
    uuid: '8d1a8210-69de-4c55-8cf8-deb2356fc7b2',
    memory: 256,
    disk: [
      'tap:aio:/guests/molly.img,xvda,w',
      'tap:aio:/guests/quorum.dsk,xvdb,w!',
      'tap:aio:/guests/shared.dsk,xvdc,w!',
    ],
    vif: ['mac=00:16:3e:00:cf:fe,bridge=xenbr0'],
  };
  const notes = {
    name: ['Must match domain file name'],
    uuid: ["... new uuid generated by running the 'uuidgen' utility"],
    disk: [
      "Note the 'w!' flags on the quorum.dsk and shared.dsk.  This means",
      'that multiple domains can now write to this disk.  They are effectively',
      'shared storage between the Xen domains.',
    ],
    vif: ['I just increment this one.'],
  };
  const after = editDomainFile(before, edits, { file: 'molly', annotate: true, notes });
  expect(after).toBe(`# name = "Default"
# Must match domain file name
name = "molly"
# uuid = "46fcd834-e5b5-17ba-c3df-a4091fd62955"
# ... new uuid generated by running the 'uuidgen' utility
uuid = "8d1a8210-69de-4c55-8cf8-deb2356fc7b2"
maxmem = 256
memory = 256
vcpus = 1
bootloader = "/usr/bin/pygrub"
on_poweroff = "destroy"
on_reboot = "restart"
on_crash = "restart"
vfb = [  ]
# disk = [ "tap:aio:/guests/default.img,xvda,w" ]
# Note the 'w!' flags on the quorum.dsk and shared.dsk.  This means
# that multiple domains can now write to this disk.  They are effectively
# shared storage between the Xen domains.
disk = [ "tap:aio:/guests/molly.img,xvda,w", "tap:aio:/guests/quorum.dsk,xvdb,w!", "tap:aio:/guests/shared.dsk,xvdc,w!" ]
# vif = [ "mac=00:16:3e:00:cf:fd,bridge=xenbr0" ]
# I just increment this one.
vif = [ "mac=00:16:3e:00:cf:fe,bridge=xenbr0" ]
`);
  expect(editDomainFile(after, edits, { file: 'molly', annotate: true, notes })).toBe(after);
});

describe('refuses', () => {
  test.each<[string, DomainEdits, string]>([
    ['name = "a%d" % 1', { name: 'm' }, '1:1: Python code that decides `name` cannot be edited'],
    ['\n\n  name = "a" "b"', { name: 'm' }, '3:3: Python code that decides `name` cannot be edited'],
    ['disk = []\ndisk += ["x"]', { disk: ['x'] }, '2:1: `disk +=` cannot be edited'],
    ['memory = 5\nif x: memory = 6', { memory: 5 }, '2:1: Python code that decides `memory` cannot be edited'],
    ['memory = 5; disk.append("x")', { disk: ['x'] }, '1:13: Python code that decides `disk` cannot be edited'],
    ['name = """a"""', { name: 'a' }, '1:1: Python code that decides `name` cannot be edited'],
    ['name = memory = 5', { memory: 5 }, '1:1: Python code that decides `memory` cannot be edited'],
    ['name =', { name: 'a' }, '1:1: Python code that decides `name` cannot be edited'],
    ['a = "b', {}, '1:5: a string that is not closed'],
    ['a = "b\n"', {}, '1:5: a string that is not closed'],
    ["a = '''b''", {}, '1:5: a string that is not closed'],
    ['a = 1\ndisk = [ "x",\n b = 1', {}, '2:8: `[` is never closed'],
    ['a = [ 1 )', {}, '1:9: `)` closes nothing'],
    ['a = ]', {}, '1:5: `]` closes nothing'],
    ['a = 1\rb = 2', {}, '1:6: a carriage return without a line feed'],
    ['a = 1 \\', {}, '1:7: a backslash that continues the last line'],
    ['a = 1\\\n', {}, '1:6: a backslash that continues the last line'],
  ])('%j', (text, edits, complaint) => {
    expect(complaintsOf(() => edit(text, edits))).toEqual([`/etc/xen/molly:${complaint}`]);
  });

  test('all at once', () => {
    expect(complaintsOf(() => edit('name = f()\nmemory = g()\n', { memory: 5, name: 'm' }))).toHaveLength(2);
  });

  test.each<DomainEdits>([
    { name: 'a\nb' },
    { name: 'a\u0007' },
    { disk: ['ok', 'a\r'] },
    { name: '\uD800' },
    { memory: 1.5 },
    { memory: -1 },
    { vcpus: Number.NaN },
  ])('the value of %j', (edits) => {
    expect(complaintsOf(() => edit('', edits))).toHaveLength(1);
    expect(complaintsOf(() => edit('name = "x"\ndisk = ["x"]\nmemory = 1\nvcpus = 1\n', edits))).toHaveLength(1);
  });

  test('with what to do', () => {
    expect(() => edit('name = f()', { name: 'm' })).toThrow(
      'Write it as one plain `name = …` with its final value; lab does not execute domain files.',
    );
  });
});

test('texts of many megabytes do not exhaust the stack', () => {
  const long = 'x'.repeat(3e6);
  expect(edit(`# ${long}\nname = "${'\\"'.repeat(5e5)}"\n${' '.repeat(3e6)}`, { name: 'm' })).toContain('name = "m"\n');
  expect(edit(`disk = [${'# x\n'.repeat(150_000)}"a"]\n`, { disk: ['b'] }).endsWith('disk = [\n"b"]\n')).toBe(true);
});
