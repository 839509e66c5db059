import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { defaultLab, readLab } from '../../src/spec/read.ts';
import { DEFAULT_ANSWERS, labYaml } from '../../src/spec/template.ts';

it('is examples/lab.yaml for the default answers, and the default lab', () => {
  const text = labYaml(DEFAULT_ANSWERS);
  expect(text).toBe(readFileSync('examples/lab.yaml', 'utf8'));
  expect(readLab(text, 'lab.yaml')).toEqual({ ...defaultLab(), source: text });
});

it('means the answers', () => {
  const answers = {
    name: 'dogs',
    guests: ['rex', 'null', 'no'],
    memory: '1G',
    subnet: '10.9.8.0/24',
    host: 'ssh://root@ayanami:22',
  };
  const lab = readLab(labYaml(answers), 'lab.yaml');
  expect(lab).toMatchObject({ name: 'dogs', host: 'ssh://root@ayanami:22', network: { subnet: '10.9.8.0/24' } });
  expect(lab.guests.map(({ name, memoryMiB, address }) => [name, memoryMiB, address])).toEqual([
    ['rex', 1024, '10.9.8.11'],
    ['null', 1024, '10.9.8.12'],
    ['no', 1024, '10.9.8.13'],
  ]);
});

it('holds any answers as they were given, however they read', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('null', '~', '1e3', '- a', 'a: b', '#', '-', '---', '*a', '...', '-rf', '$(x)'),
  );
  fc.assert(
    fc.property(text, text, text, text, text, (name, guest, memory, subnet, host) => {
      fc.pre(guest !== '__proto__');
      const written = parse(labYaml({ name, guests: [guest], memory, subnet, host }));
      expect(written).toMatchObject({ name, host, network: { subnet } });
      expect(written.guests).toEqual({ [guest]: { memory, vcpus: 1 } });
    }),
  );
});

it('without guests is refused by readLab', () => {
  expect(() => readLab(labYaml({ ...DEFAULT_ANSWERS, guests: [] }), 'x')).toThrow(
    /^x:\d+:9: guests: found an empty mapping/,
  );
});
