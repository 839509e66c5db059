import type { Chapter, Node } from '../src/model/step.ts';
import type { Lab } from '../src/spec/lab.ts';
import { domainFile } from '../src/steps/domain-file.ts';
import { clonedDisk } from '../src/steps/images.ts';
import { toolstackOf } from '../src/toolstacks/index.ts';
import { defaultDomainFile } from './3-the-default-image.ts';

/** "Make your real guest images", and "You *MUST* change the uuid, name, disk, and vif lines at a minimum." */
export function theGuests(lab: Lab, after: readonly Node[]): Chapter {
  const toolstack = toolstackOf(lab);
  const unique = toolstack.unique(lab, after);
  const ready = [unique, ...after];
  const perGuest = lab.guests.flatMap((guest) => [
    clonedDisk(
      {
        id: `4.clone-${guest.name}`,
        title: `Clone the image for ${guest.name}`,
        section: 'Creating virtual machines 4',
        on: 'dom0',
        after: ready,
      },
      { from: lab.image.path, to: guest.disk, owner: lab, copy: toolstack.copy },
    ),
    domainFile(
      {
        id: `4.domain-file-${guest.name}`,
        title: `Edit ${guest.domainFile}`,
        section: 'Creating virtual machines 5',
        on: 'dom0',
        after: ready,
      },
      {
        path: guest.domainFile,
        base: defaultDomainFile,
        edits: toolstack.domainEdits(lab, guest),
        notes: toolstack.domainNotes?.(guest),
        annotate: lab.annotate,
        identity: guest,
        owner: lab,
        name: guest.name,
      },
    ),
  ]);
  return { id: '4', title: 'The guests', nodes: [unique, ...perGuest] };
}
