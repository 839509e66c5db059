import type * as z from 'zod';
import type { BadInput, Complaint } from '../model/errors.ts';
import { badInput, MOST_COMPLAINTS } from './complaints.ts';
import { labJsonSchema, NOT_XL } from './schema.ts';
import type { Path, Source } from './source.ts';
import { didYouMean, listed, pathWords, quoted } from './words.ts';

/** Something wrong with a value of lab.yaml, or with a key. */
export interface Finding {
  readonly path: Path;
  /** Default: `path` leads to a value. */
  readonly at?: 'key';
  /** Default: the value, as it is written. */
  readonly found?: string | undefined;
  readonly expected: string;
  readonly hint?: string | undefined;
}

/** `lab.yaml:4:20: guests.molly.memory: found "10GG", expected a size …`, one for every finding. */
export function asBadInput(source: Source, findings: readonly Finding[]): BadInput {
  const complaints = findings.slice(0, MOST_COMPLAINTS).map(({ path, at, found, expected, hint }): Complaint => {
    const where = pathWords(at === 'key' ? path.slice(0, -1) : path);
    const message = `${where}${where && ': '}found ${found ?? source.found(path)}, expected ${expected}`;
    return { place: source.place(path, at ?? 'value'), message, ...(hint !== undefined && { hint }) };
  });
  return badInput(complaints, findings.length);
}

/** What the schema refused. The messages of our schemas are what they expect (values.ts). */
export function findingsOf(issues: readonly z.core.$ZodIssue[], within: Path = []): Finding[] {
  return issues.flatMap((issue): Finding[] => {
    const path = [...within, ...issue.path.map((part) => (typeof part === 'symbol' ? `${part.description}` : part))];
    const { message: expected, input } = issue;
    switch (issue.code) {
      case 'unrecognized_keys': {
        const known = keysAt(path);
        return issue.keys.map((key) => ({
          path: [...path, key],
          at: 'key',
          found: `the unknown key ${quoted(key)}`,
          expected: listed(known),
          hint: didYouMean(key, known),
        }));
      }
      case 'invalid_key': {
        const found = `the name ${quoted(`${path.at(-1)}`)}`;
        return findingsOf(issue.issues).map((finding) => ({ ...finding, path, at: 'key', found }));
      }
      case 'invalid_union': {
        // The branch that fails further in than at its root is the one that was meant.
        const meant = issue.errors.find((branch) =>
          branch.every((it) => it.path.length > 0 || it.code === 'unrecognized_keys'),
        );
        return meant ? findingsOf(meant, path) : [{ path, expected }];
      }
      case 'invalid_value': {
        const values = issue.values.map(String);
        const hint = input === 'xl' ? NOT_XL : typeof input === 'string' ? didYouMean(input, values) : undefined;
        return [{ path, expected: listed(values), hint }];
      }
      case 'invalid_type':
        return [{ path, expected: issue.expected === 'object' ? `a mapping with ${listed(keysAt(path))}` : expected }];
      case 'custom':
        return [{ path, expected, found: issue.params?.found, hint: issue.params?.hint }];
      default:
        return [{ path, expected }];
    }
  });
}

interface JsonSchema {
  readonly properties?: Record<string, JsonSchema>;
  readonly additionalProperties?: JsonSchema | false;
  readonly anyOf?: readonly JsonSchema[];
}

/** Made once: a hostile file asks for it thousands of times. */
let jsonSchema: JsonSchema | undefined;

/** The keys that the mapping at `path` may have, as the JSON Schema lists them. */
function keysAt(path: Path): string[] {
  const branches = (schema: JsonSchema) => [schema, ...(schema.anyOf ?? [])];
  jsonSchema ??= labJsonSchema();
  let here = branches(jsonSchema);
  for (const part of path) {
    here = here.flatMap(({ properties, additionalProperties }) => {
      const next = properties?.[part] ?? (additionalProperties || undefined);
      return next ? branches(next) : [];
    });
  }
  return here.flatMap(({ properties }) => Object.keys(properties ?? {}));
}
