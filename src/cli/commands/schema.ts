import { labJsonSchema } from '../../spec/schema.ts';
import type { Output } from '../reporters/reporter.ts';

/** `lab schema`: the JSON Schema of lab.yaml, for editors. */
export function schema(stdout: Output): void {
  stdout.write(`${JSON.stringify(labJsonSchema(), null, 2)}\n`);
}
