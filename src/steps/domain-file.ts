import { type DomainEdits, type EditOptions, editDomainFile } from '../formats/domain-file.ts';
import { readMark, sealed, unsealed } from '../formats/seal.ts';
import { NotYet } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Step } from '../model/step.ts';
import type { Identity, Kept } from '../spec/kept.ts';
import { type Placed, textOf } from './file-content.ts';
import { foreign, type Owner } from './marks.ts';
import { isCopy, missingOwnFile } from './own-file.ts';

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
  const { stdout } = await dom0.read(['grep', '-rsH', `^# This guest belongs to the lab ${lab}`, '/etc/xen']);
  const kept = stdout.split('\n').flatMap((line): [string, Identity][] => {
    const [, name, text = ''] = /^\/etc\/xen\/([^/:]+):(.*)$/.exec(line) ?? [];
    const [, owner, nodeId, address, mac] = ownerPattern.exec(`${unsealed(text)}\n`) ?? [];
    if (name === undefined || isCopy(name) || owner !== lab || !address || !mac) return [];
    return [[name, { nodeId: Number(nodeId), address, mac }]];
  });
  return new Map(kept);
}

/** The default file may have been written by another lab. */
function withoutOwner(text: string): string {
  return unsealed(text).replace(ownerPattern, '');
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
    identity,
  }: {
    path: string;
    base: string;
    edits: DomainEdits;
    notes?: NonNullable<EditOptions['notes']> | undefined;
    annotate: boolean;
    owner: Owner;
    /** The guest's: `--adopt` may name it instead of the file. */
    name: string;
    identity: Identity;
  },
): Step {
  return {
    kind: 'step',
    ...placed,
    async check(look) {
      const { host } = look;
      // Digest and stat are for missingOwnFile: asked for here, they travel with those of all guests, also while there is no base.
      const [own, origin] = await Promise.all([
        host.readFile(path),
        host.readFile(base),
        host.digest(path),
        host.stat(path),
      ]);
      const text = textOf(own);
      const adopt = owner.adopt?.includes(name) ? [...owner.adopt, path] : (owner.adopt ?? []);
      const whose = text === undefined ? owner.name : ownerOf(text);
      if (whose !== owner.name && !adopt.includes(path)) throw foreign(path, whose, name);
      const from = text ?? textOf(origin);
      if (from === undefined) throw new NotYet(base, `${path} is made from ${base}, which is not there`);
      const ours = text !== undefined && whose === owner.name;
      const line = ownerLine(owner.name, identity);
      const begun = ours ? unsealed(text).replace(ownerPattern, line) : line + withoutOwner(from);
      const wanted = editDomainFile(begun, edits, {
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
