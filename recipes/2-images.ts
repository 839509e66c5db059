import type { Chapter, Look, Node, Step } from '../src/model/step.ts';
import type { Lab } from '../src/spec/lab.ts';
import { sparseImage } from '../src/steps/images.ts';
import { handedOver } from '../src/steps/installed-image.ts';
import { directoryOf, madeDirectory } from '../src/steps/marks.ts';
import { imageMark } from './guest-image.ts';

/** "Create an initial image." and "Create some shared images." */
export function images(lab: Lab, after: readonly Node[]): Chapter {
  const make = (name: string, number: number, path: string, bytes: number, usable?: (look: Look) => Promise<boolean>) =>
    sparseImage(
      {
        id: `2.${name}`,
        title: `Create ${path}`,
        section: `Creating virtual machines ${number}`,
        on: 'dom0',
        after: [directory],
      },
      { path, bytes, owner: lab, ...(usable ? { usable } : {}) },
    );
  const directory: Step = {
    kind: 'step',
    id: '2.directory',
    title: `Have ${directoryOf(lab.image.path)}`,
    section: 'Creating virtual machines 1',
    on: 'dom0',
    after,
    check: ({ host }) => madeDirectory(host, directoryOf(lab.image.path), lab.name),
  };
  // An image that is copied from elsewhere comes with its own size.
  const own =
    lab.image.install.by === 'copy' || lab.image.install.by === 'none'
      ? []
      : [make('default', 1, lab.image.path, lab.image.bytes, (look) => handedOver(look, lab, imageMark))];
  return {
    id: '2',
    title: 'Images',
    nodes: [directory, ...own, ...lab.disks.map(({ name, path, bytes }) => make(name, 2, path, bytes))],
  };
}
