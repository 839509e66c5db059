import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClusterConfInput, clusterConf } from '../../src/formats/cluster-conf.ts';

/** cman's own schema (cluster 3.0.12). It is not ours to give away, so it lies beside the project, if at all. */
const schema = new URL('../../../shared/schemas/cluster.rng', import.meta.url);
const libxml2 = await import('libxml2-wasm').catch(() => undefined);
const missing = [
  ...(existsSync(schema) ? [] : [`${schema.pathname} is not there`]),
  ...(libxml2 ? [] : ['libxml2-wasm is not installed']),
].join(', ');

if (missing) process.stderr.write(`cluster.conf is not held against cman's schema: ${missing}\n`);

/** What the schema has against a text; undefined: nothing. */
function validator(): (text: string) => string | undefined {
  if (!libxml2) throw new Error('skipped');
  const { RelaxNGValidator, XmlDocument } = libxml2;
  const rules = RelaxNGValidator.fromDoc(XmlDocument.fromString(readFileSync(schema, 'utf8')));
  return (text) => {
    const document = XmlDocument.fromString(text);
    try {
      rules.validate(document);
      return undefined;
    } catch (error) {
      return String(error);
    } finally {
      document.dispose();
    }
  };
}

const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,14}$/);
const positive = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const input: fc.Arbitrary<ClusterConfInput> = fc
  .record(
    {
      name: word,
      version: positive,
      names: fc.uniqueArray(word, { minLength: 1, maxLength: 5 }),
      token: fc.integer({ min: 200_000, max: 300_000 }),
      quorumd: fc.record({
        label: fc.string({ unit: fc.constantFrom(...'ab <>&"\'é') }),
        votes: fc.integer({ min: 1, max: 4 }),
        interval: fc.integer({ min: 1, max: 5 }),
        tko: fc.integer({ min: 3, max: 20 }),
      }),
      twoNode: fc.boolean(),
      fencing: fc.constant('fence_xvm' as const),
      fenceXvmd: fc.boolean(),
      services: fc.uniqueArray(fc.record({ name: word, autostart: fc.boolean() }), { selector: ({ name }) => name }),
      comment: fc.stringMatching(/^[a-z <>&"']*$/),
    },
    { requiredKeys: ['name', 'version', 'names', 'token'] },
  )
  .map(({ names, twoNode = false, quorumd, ...rest }) => ({
    ...rest,
    nodes: names.map((name, at) => ({ name, id: names.length - at })),
    ...(twoNode && names.length === 2 ? { twoNode } : quorumd && { quorumd }),
  }));

describe.skipIf(missing)("cman's schema", () => {
  test('takes the two files of the document', () => {
    const complaint = validator();
    const dom0 = { name: 'londesktop', version: 1, nodes: [{ name: 'ayanami', id: 1 }], fenceXvmd: true };
    const nodes = ['frederick', 'molly'].map((name, at) => ({ name, id: at + 1 }));
    const services = [{ name: 'test', autostart: false }];
    const guests = { name: 'lolcats', version: 41, nodes, token: 21000, twoNode: true, services };
    expect(complaint(clusterConf({ ...dom0, comment: 'Written by lab' }))).toBeUndefined();
    expect(complaint(clusterConf({ ...guests, fencing: 'fence_xvm' }))).toBeUndefined();
  });

  test('refuses what is wrong, so that it can refuse', () => {
    const complaint = validator();
    expect(complaint('<cluster name="a" config_version="1"/>')).toContain('clusternodes');
  });

  test('takes whatever is written', () => {
    const complaint = validator();
    fc.assert(fc.property(input, (one) => void expect(complaint(clusterConf(one))).toBeUndefined()));
  });
});
