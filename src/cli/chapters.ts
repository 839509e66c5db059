import { dom0Tools } from '../../recipes/0-before-you-begin.ts';
import { guestImage } from '../../recipes/guest-image.ts';
import { recipes } from '../../recipes/index.ts';
import type { Chapter } from '../model/step.ts';
import { sandboxChapter } from '../sandbox/steps.ts';
import type { Lab } from '../spec/lab.ts';
import type { Where } from './where.ts';

/** The sandbox, if it is one, and the chapters of the document. */
export function chaptersOf(lab: Lab, where: Where): readonly Chapter[] {
  if (where.is !== 'sandbox') return recipes(lab);
  const { install } = lab.image;
  const sandbox = sandboxChapter({
    lab,
    dom0Packages: dom0Tools(lab),
    guestImage: install.by === 'debian' ? guestImage(lab, install.suite) : undefined,
  });
  return [sandbox, ...recipes(lab, sandbox.nodes)];
}
