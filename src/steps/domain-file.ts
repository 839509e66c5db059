import { type DomainEdits, type EditOptions, editDomainFile } from '../formats/domain-file.ts';
import { readMark, sealed, unsealed } from '../formats/seal.ts';
import { NotYet } from '../model/errors.ts';
import type { Step } from '../model/step.ts';
import { type Placed, textOf } from './file-content.ts';
import { foreign, type Owner } from './marks.ts';
import { missingOwnFile } from './own-file.ts';

/** What says in a domain file whose it is; a line of its own, the first. */
export const ownerLine = (lab: string) => `# This guest belongs to the lab ${lab}.\n`;

/** The default file may have been written by another lab. */
function withoutOwner(text: string): string {
  return text.replace(/^# This guest belongs to the lab .*\n/m, '');
}

/** The lab that a domain file belongs to; undefined: none. */
export function ownerOf(text: string): string | undefined {
  return readMark(text)?.lab;
}

/**
 * A guest's domain file: a copy of the default one, edited. Once it is there, it is the file itself that is edited, so that
 * whatever else was written into it stays. The document, Creating virtual machines 4 and 5.
 * @throws Foreign (from the check) for a domain file of somebody else
 */
export function domainFile(
  placed: Placed,
  {
    path,
    base,
    edits,
    notes = {},
    annotate,
    owner,
    name,
  }: {
    path: string;
    base: string;
    edits: DomainEdits;
    notes?: NonNullable<EditOptions['notes']> | undefined;
    annotate: boolean;
    owner: Owner;
    /** The guest's: `--adopt` may name it instead of the file. */
    name: string;
  },
): Step {
  return {
    kind: 'step',
    ...placed,
    async check(look) {
      const { host } = look;
      const [own, origin] = await Promise.all([host.readFile(path), host.readFile(base)]);
      const text = textOf(own);
      const adopt = owner.adopt?.includes(name) ? [...owner.adopt, path] : (owner.adopt ?? []);
      const whose = text === undefined ? owner.name : ownerOf(text);
      if (whose !== owner.name && !adopt.includes(path)) throw foreign(path, whose, name);
      const from = text ?? textOf(origin);
      if (from === undefined) throw new NotYet(base, `${path} is made from ${base}, which is not there`);
      const ours = text !== undefined && whose === owner.name;
      const wanted = editDomainFile(ours ? unsealed(text) : ownerLine(owner.name) + withoutOwner(from), edits, {
        file: text === undefined ? base : path,
        annotate,
        notes,
      });
      // Other lines are anybody's to edit: a seal that they broke is no reason to write.
      if (ours && unsealed(text) === wanted) return [];
      return missingOwnFile(look, { name: owner.name, adopt }, { path, mode: 0o644, text: sealed(wanted) });
    },
  };
}
