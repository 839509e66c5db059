import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bytesOfOd, readDirectory, readSuperblock } from '../../src/formats/gfs2.ts';

/** What a real mkfs.gfs2 wrote: the file says which. */
const [superblock, master, index] = readFileSync(new URL('gfs2-blocks.txt', import.meta.url), 'utf8')
  .split('\n\n')
  .slice(1)
  .map(bytesOfOd) as [Buffer, Buffer, Buffer];

test('the superblock of a real GFS2', () => {
  expect(readSuperblock(superblock)).toEqual({
    table: 'lolcats:shared',
    uuid: '6aab27db2637492c8942c498cab6064f',
    blockSize: 4096,
    master: 2072,
  });
});

test('its own files, and a journal for each node', () => {
  const names = ['.', '..', 'jindex', 'per_node', 'inum', 'statfs', 'rindex', 'quota'];
  expect([...(readDirectory(master)?.blocks.keys() ?? [])]).toEqual(names);
  expect(readDirectory(master)?.blocks.get('jindex')).toBe(2073);
  expect(readDirectory(index)).toMatchObject({ entries: 4 });
  expect([...(readDirectory(index)?.blocks.keys() ?? [])]).toEqual(['.', '..', 'journal0', 'journal1']);
});

test('what is no GFS2: other bytes, other blocks of it, too few bytes, the first GFS', () => {
  expect(readSuperblock(Buffer.alloc(272))).toBeUndefined();
  expect(readSuperblock(master)).toBeUndefined();
  expect(readSuperblock(superblock.subarray(0, 200))).toBeUndefined();
  const gfs = Buffer.from(superblock);
  gfs.writeUInt32BE(1309, 24);
  expect(readSuperblock(gfs)).toBeUndefined();
  expect(readDirectory(superblock)).toBeUndefined();
  expect(readDirectory(Buffer.alloc(4096))).toBeUndefined();
});
