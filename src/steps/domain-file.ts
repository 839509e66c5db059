import { type DomainEdits, type EditOptions, editDomainFile } from '../formats/domain-file.ts';
import { file } from '../model/change.ts';
import { NotYet, Refused } from '../model/errors.ts';
import type { Step } from '../model/step.ts';
import { type Placed, textOf } from './file-content.ts';

/** What says in a domain file whose it is; a line of its own, the first. */
export const ownerLine = (lab: string) => `# This guest belongs to the lab ${lab}.\n`;

/** The default file may have been written by another lab. */
function withoutOwner(text: string): string {
  return text.replace(/^# This guest belongs to the lab \S+\.\n/m, '');
}

/** The lab that a domain file belongs to; undefined: none. */
export function ownerOf(text: string): string | undefined {
  return /^# This guest belongs to the lab (\S+)\.$/m.exec(text)?.[1];
}

/**
 * A guest's domain file: a copy of the default one, edited. Once it is there, it is the file itself that is edited, so that
 * whatever else was written into it stays. The document, Creating virtual machines 4 and 5.
 * @throws Refused (from the check) for a domain file of somebody else
 */
export function domainFile(
  placed: Placed,
  {
    path,
    base,
    edits,
    notes = {},
    annotate,
    lab,
  }: {
    path: string;
    base: string;
    edits: DomainEdits;
    notes?: NonNullable<EditOptions['notes']> | undefined;
    annotate: boolean;
    lab: string;
  },
): Step {
  return {
    kind: 'step',
    ...placed,
    async check({ host }) {
      const [own, origin] = await Promise.all([host.readFile(path), host.readFile(base)]);
      const text = textOf(own);
      if (text !== undefined && ownerOf(text) !== lab) {
        throw new Refused(
          `${path} is not this lab's: it does not say "${ownerLine(lab).trim()}"`,
          `move it away, or name the guest otherwise in lab.yaml`,
        );
      }
      const from = text ?? textOf(origin);
      if (from === undefined) throw new NotYet(base, `${path} is made from ${base}, which is not there`);
      const wanted = editDomainFile(text ?? ownerLine(lab) + withoutOwner(from), edits, {
        file: text === undefined ? base : path,
        annotate,
        notes,
      });
      return wanted === text ? [] : [file(path, 0o644, wanted, own)];
    },
  };
}
