import { type DomainEdits, type EditOptions, editDomainFile } from '../formats/domain-file.ts';
import { file } from '../model/change.ts';
import { NotYet, Refused } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Step } from '../model/step.ts';
import type { Identity, Kept } from '../spec/kept.ts';
import { type Placed, textOf } from './file-content.ts';

/**
 * What says in a domain file whose it is, and what the guest keeps as long as it is on dom0; a line of its own, the first.
 */
export function ownerLine(lab: string, guest?: Identity): string {
  const identity = guest ? `: node ${guest.nodeId}, ${guest.address}, ${guest.mac}` : '';
  return `# This guest belongs to the lab ${lab}${identity}.\n`;
}

const ownerPattern = /^# This guest belongs to the lab ([\w-]+)(?:: node (\d+), ([\d.]+), ([\da-f:]+))?\.\n/m;

/** The guests of a lab that are on dom0, as their domain files say; one look. */
export async function keptGuests(dom0: Reader, lab: string): Promise<Kept> {
  const { stdout } = await dom0.read(['grep', '-rsH', `^# This guest belongs to the lab ${lab}: `, '/etc/xen']);
  const kept = stdout.split('\n').flatMap((line): [string, Identity][] => {
    const [, name, text = ''] = /^\/etc\/xen\/([^/:]+):(.*)$/.exec(line) ?? [];
    const [, owner, nodeId, address, mac] = ownerPattern.exec(`${text}\n`) ?? [];
    if (name === undefined || owner !== lab || !address || !mac) return [];
    return [[name, { nodeId: Number(nodeId), address, mac }]];
  });
  return new Map(kept);
}

/** The default file may have been written by another lab. */
function withoutOwner(text: string): string {
  return text.replace(ownerPattern, '');
}

/** The lab that a domain file belongs to; undefined: none. */
export function ownerOf(text: string): string | undefined {
  return ownerPattern.exec(text)?.[1];
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
    identity,
  }: {
    path: string;
    base: string;
    edits: DomainEdits;
    notes?: NonNullable<EditOptions['notes']> | undefined;
    annotate: boolean;
    lab: string;
    identity: Identity;
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
      const line = ownerLine(lab, identity);
      const wanted = editDomainFile(text?.replace(ownerPattern, line) ?? line + withoutOwner(from), edits, {
        file: text === undefined ? base : path,
        annotate,
        notes,
      });
      return wanted === text ? [] : [file(path, 0o644, wanted, own)];
    },
  };
}
