import type { Chapter, Node } from '../src/model/step.ts';
import { type Lab, leavingOf } from '../src/spec/lab.ts';
import { beforeYouBegin } from './0-before-you-begin.ts';
import { theFencingKey } from './1-the-fencing-key.ts';
import { images } from './2-images.ts';
import { theDefaultImage } from './3-the-default-image.ts';
import { theGuests } from './4-the-guests.ts';
import { insideEachGuest } from './5-inside-each-guest.ts';
import { boot } from './6-boot.ts';
import { leaving } from './leaving.ts';
import { theFencingHost } from './7-the-fencing-host.ts';
import { theFencingTest } from './8-the-fencing-test.ts';
import { theCluster } from './9-the-cluster.ts';
import { theSharedDisk } from './10-the-shared-disk.ts';

/**
 * The document, chapter by chapter: the table of contents.
 * @param before what has to be there first: the sandbox
 */
export function recipes(lab: Lab, before: readonly Node[] = []): readonly Chapter[] {
  const begin = beforeYouBegin(lab, before);
  // Who leaves, leaves before anybody comes.
  const left = leavingOf(lab).length > 0 ? [leaving(lab, begin.nodes)] : [];
  const ready = [...begin.nodes, ...left.flatMap(({ nodes }) => nodes)];
  const key = theFencingKey(lab, ready);
  const disks = images(lab, ready);
  const image = theDefaultImage(lab, [...ready, ...disks.nodes]);
  const guests = theGuests(lab, image.nodes);
  const inside = insideEachGuest(lab, [...key.nodes, ...guests.nodes]);
  const ownDisk = new Map(inside.nodes.filter(({ id }) => id.startsWith('5.disk-')).map((node) => [node.id, node]));
  const forAll = [...guests.nodes, ...inside.nodes.filter(({ id }) => !ownDisk.has(id))];
  const booted = boot(lab, ({ name }) => [forAll, ownDisk.get(`5.disk-${name}`) ?? []]);
  const host = theFencingHost(
    lab,
    key.nodes,
    booted.nodes.filter(({ id }) => id.startsWith('6.define-')),
  );
  const test = theFencingTest(lab, [...host.nodes, ...booted.nodes]);
  const cluster = theCluster(lab, test.nodes);
  const chapters = [begin, ...left, key, disks, image, guests, inside, booted, host, test, cluster];
  return lab.storage ? [...chapters, theSharedDisk(lab, cluster.nodes)] : chapters;
}
