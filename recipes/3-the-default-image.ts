import type { Chapter, Node, Step } from '../src/model/step.ts';
import type { Lab } from '../src/spec/lab.ts';
import { ownerLine } from '../src/steps/domain-file.ts';
import { missingFile } from '../src/steps/file-content.ts';
import { installedImage } from '../src/steps/installed-image.ts';
import { toolstackOf } from '../src/toolstacks/index.ts';
import { guestImage, imageMark } from './guest-image.ts';

/** The domain file that all others are made from; virt-install wrote it in the document's day. */
export const defaultDomainFile = '/etc/xen/Default';

/** "Install the default image. This way you only have to run the installer once." */
export function theDefaultImage(lab: Lab, after: readonly Node[]): Chapter {
  const { install } = lab.image;
  const installed = installedImage(
    { id: '3.install', title: `Install ${lab.image.path}`, section: 'Creating virtual machines 3', on: 'dom0', after },
    { lab, mark: imageMark, ...(install.by === 'debian' ? { debian: guestImage(lab, install.suite) } : {}) },
  );
  const domainFile: Step = {
    kind: 'step',
    id: '3.domain-file',
    title: `Write ${defaultDomainFile}`,
    section: 'Creating virtual machines 3',
    on: 'dom0',
    after,
    async check(look) {
      const there = await look.host.stat(defaultDomainFile);
      return there
        ? []
        : missingFile(
            look,
            defaultDomainFile,
            0o644,
            `${ownerLine(lab.name)}${toolstackOf(lab).defaultDomainFile(lab)}`,
          );
    },
  };
  return { id: '3', title: 'The default image', nodes: [installed, domainFile] };
}
