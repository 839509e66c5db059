import { expect, it } from 'vitest';
import { labJsonSchema } from '../../src/spec/schema.ts';

interface Node {
  description?: string;
  default?: unknown;
  required?: string[];
  properties?: Record<string, Node>;
  additionalProperties?: Node | boolean;
}

const schema = labJsonSchema() as Node;

/** Every property at any depth, with its path. */
function properties(node: Node, path = ''): [string, Node][] {
  const inner = typeof node.additionalProperties === 'object' ? properties(node.additionalProperties, `${path}.*`) : [];
  const own = Object.entries(node.properties ?? {});
  return [
    ...inner,
    ...own.flatMap(([name, value]): [string, Node][] => [
      [`${path}.${name}`, value],
      ...properties(value, `${path}.${name}`),
    ]),
  ];
}

it('describes every property', () => {
  expect(properties(schema).filter(([, { description }]) => !description)).toEqual([]);
  expect(properties(schema).map(([path]) => path)).toContain('.guests.*.memory');
});

it('needs guests only, and takes no unknown keys', () => {
  expect(schema.required).toEqual(['guests']);
  const mappings = [schema, ...properties(schema).map(([, node]) => node)].filter((node) => node.properties);
  expect(mappings.every((node) => node.additionalProperties === false)).toBe(true);
});

it('shows the defaults as they are written', () => {
  const defaults = Object.fromEntries(properties(schema).map(([path, node]) => [path, node.default]));
  expect(defaults).toMatchObject({
    '.name': 'lolcats',
    '.guests.*.memory': '512M',
    '.image.size': '10G',
    '.network.subnet': '192.168.77.0/24',
  });
});
