import { createHash } from 'node:crypto';
import { type Change, file } from '../model/change.ts';
import type { Look, Step } from '../model/step.ts';

/** Where a step stands in the lab: what all makers of steps take. */
export type Placed = Pick<Step, 'id' | 'title' | 'section' | 'on' | 'after'>;

const decoder = new TextDecoder();

/** Bytes as text; undefined stays undefined. */
export function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && decoder.decode(bytes);
}

/** The change that gives a file this text and mode, if one is needed. */
export async function missingFile(look: Look, path: string, mode: number, text: string): Promise<readonly Change[]> {
  const [digest, stat] = await Promise.all([look.host.digest(path), look.host.stat(path)]);
  if (stat?.mode === mode && digest === createHash('sha256').update(text).digest('hex')) return [];
  // The bytes are only needed to show what changes: digests of many files are one look, and each file is one.
  return [file(path, mode, text, await look.host.readFile(path))];
}

/** A file with this text and mode (a permission mask, 0o644). Text that depends on other steps is a function. */
export function fileContent(
  placed: Placed,
  { path, mode = 0o644, text }: { path: string; mode?: number; text: string | ((look: Look) => Promise<string>) },
): Step {
  return {
    kind: 'step',
    ...placed,
    check: async (look) => missingFile(look, path, mode, typeof text === 'string' ? text : await text(look)),
  };
}
