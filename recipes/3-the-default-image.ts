import { sealed } from '../src/formats/seal.ts';
import { file } from '../src/model/change.ts';
import type { Chapter, Node, Step } from '../src/model/step.ts';
import type { Lab } from '../src/spec/lab.ts';
import { ownerLine, ownerOf } from '../src/steps/domain-file.ts';
import { textOf } from '../src/steps/file-content.ts';
import { installedImage } from '../src/steps/installed-image.ts';
import { toolstackOf } from '../src/toolstacks/index.ts';
import { guestImage, imageMark } from './guest-image.ts';

/** The domain file that all others are made from; virt-install wrote it in the document's day. */
export const defaultDomainFile = '/etc/xen/Default';

/** "Install the default image. This way you only have to run the installer once." */
export function theDefaultImage(lab: Lab, after: readonly Node[]): Chapter {
  const { install } = lab.image;
  const section = 'Creating virtual machines 3';
  const placed = { id: '3.install', title: `Install ${lab.image.path}`, section, on: 'dom0', after };
  const debian = install.by === 'debian' ? { debian: guestImage(lab, install.suite) } : {};
  const installed =
    install.by === 'virtInstall'
      ? toolstackOf(lab).install(lab, install, placed)
      : [installedImage(placed, { lab, mark: imageMark, ...debian })];
  const domainFile: Step = {
    kind: 'step',
    id: '3.domain-file',
    title: `Write ${defaultDomainFile}`,
    section,
    on: 'dom0',
    // The document's virt-install writes it.
    after: install.by === 'virtInstall' ? [...after, ...installed] : after,
    async check(look) {
      const bytes = await look.host.readFile(defaultDomainFile);
      const text = textOf(bytes) ?? toolstackOf(lab).defaultDomainFile(lab);
      // Somebody else's stays as it is: it is only read. The one that our installer wrote is ours.
      if (bytes !== undefined && !byOurInstaller(text, lab)) return [];
      return [file(defaultDomainFile, 0o644, sealed(ownerLine(lab.name) + text), bytes)];
    },
  };
  return { id: '3', title: 'The default image', nodes: [...installed, domainFile] };
}

/** Written by virt-install when it was told to install this lab's image with this uuid, and not marked yet. */
export function byOurInstaller(text: string, { image }: Lab): boolean {
  return image.install.by === 'virtInstall' && ownerOf(text) === undefined && text.includes(image.uuid);
}
