import { describe, expect, it } from 'vitest';
import { readLab } from '../../src/spec/read.ts';

const two = 'guests: {molly: , frederick: }\n';
const cman = `${two}toolstack: xm\nimage: {install: none}\n`;
const says = (text: string) => () => readLab(text, 'lab.yaml');

it('is off by default, and the disk called quorum if it is on', () => {
  expect(readLab(two, 'lab.yaml').cluster.tieBreaker).toBeUndefined();
  expect(readLab(`${two}cluster: {tieBreaker: none}`, 'lab.yaml').cluster.tieBreaker).toBeUndefined();
  const text = `${two}disks: {quorum: {size: 20M, device: xvdd}}\ncluster: {tieBreaker: quorum-disk}`;
  const { cluster, disks } = readLab(text, 'lab.yaml');
  expect(cluster.tieBreaker).toMatchObject({ name: 'quorum', device: 'xvdd', bytes: 20 * 1024 ** 2 });
  expect(disks).toContain(cluster.tieBreaker);
});

describe('a tie breaker that cannot work', () => {
  it.each([
    [
      `${two}disks: {shared: }\ncluster: {tieBreaker: quorum-disk}`,
      'lab.yaml:3:23: cluster.tieBreaker: found quorum-disk without disks.quorum, expected a shared disk called quorum',
    ],
    [
      `${two}disks: {quorum: {size: 9M}, shared: }\ncluster: {tieBreaker: quorum-disk}`,
      'lab.yaml:2:24: disks.quorum.size: found "9M", expected at least 10M, for a quorum disk',
    ],
    [
      'guests: {molly: }\ncluster: {tieBreaker: quorum-disk}',
      'lab.yaml:2:23: cluster.tieBreaker: found quorum-disk with 1 guest, expected an even number of guests',
    ],
    [
      'guests: {a: , b: , c: }\ncluster: {tieBreaker: quorum-disk}',
      'lab.yaml:2:23: cluster.tieBreaker: found quorum-disk with 3 guests, expected an even number of guests',
    ],
    [
      `${two}disks: {quorum: {size: 1G}}\nstorage: {disk: quorum}\ncluster: {tieBreaker: quorum-disk}`,
      'lab.yaml:3:17: storage.disk: found "quorum", expected another disk than the tie breaker’s',
    ],
    [
      `${cman}cluster: {stack: cman, tieBreaker: quorum-disk, token: 17000}`,
      'lab.yaml:4:56: cluster.token: found the number 17000, expected more than 17000, better 21000',
    ],
    [
      `${two}cluster: {tieBreaker: quorumdisk}`,
      'lab.yaml:2:23: cluster.tieBreaker: found "quorumdisk", expected none or quorum-disk',
    ],
  ])('%j', (text, message) => expect(says(text)).toThrow(message));

  it('but does, just so', () => {
    expect(says(`${cman}cluster: {stack: cman, tieBreaker: quorum-disk, token: 17001}`)).not.toThrow();
    expect(says(`${two}cluster: {tieBreaker: quorum-disk, token: 1000}`)).not.toThrow();
    expect(says('guests: {a: , b: , c: , d: }\ncluster: {tieBreaker: quorum-disk}')).not.toThrow();
  });
});
