import type { Chapter, Node } from '../src/model/step.ts';
import type { Lab } from '../src/spec/lab.ts';
import { sparseImage } from '../src/steps/images.ts';

/** "Create an initial image." and "Create some shared images." */
export function images(lab: Lab, after: readonly Node[]): Chapter {
  const make = (name: string, number: number, path: string, bytes: number) =>
    sparseImage(
      { id: `2.${name}`, title: `Create ${path}`, section: `Creating virtual machines ${number}`, on: 'dom0', after },
      { path, bytes, lab: lab.name },
    );
  // An image that is copied from elsewhere comes with its own size.
  const own =
    lab.image.install.by === 'copy' || lab.image.install.by === 'none'
      ? []
      : [make('default', 1, lab.image.path, lab.image.bytes)];
  return {
    id: '2',
    title: 'Images',
    nodes: [...own, ...lab.disks.map(({ name, path, bytes }) => make(name, 2, path, bytes))],
  };
}
