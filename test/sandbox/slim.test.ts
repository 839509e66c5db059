import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withoutEmptyPages } from '../../src/sandbox/slim.ts';

/* Streams as QEMU 7.2 writes them, and what a QEMU with empty memory makes of them. */

interface Page {
  readonly block: 'pc.ram' | 'vga.vram';
  readonly place: number;
  /** All bytes of the page are this one; undefined: they differ. */
  readonly fill?: number;
}

const be = (bytes: number, value: number) => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(value));
  return buffer.subarray(8 - bytes);
};
const named = (name: string) => Buffer.concat([be(1, name.length), Buffer.from(name)]);
const content = (place: number) => Buffer.alloc(4096, be(8, place + 1));
const devices = Buffer.from('\x04 the devices, \x02 whatever they say \x7e');

/** The records of a section: the name of a block is said when it is another than before, also than the section before. */
function records(pages: readonly Page[], last: { block?: string }): Buffer {
  const all = pages.map(({ block, place, fill }) => {
    const same = block === last.block;
    last.block = block;
    const flags = (fill === undefined ? 0x08 : 0x02) + (same ? 0x20 : 0);
    return Buffer.concat([
      be(8, place + flags),
      ...(same ? [] : [named(block)]),
      fill === undefined ? content(place) : be(1, fill),
    ]);
  });
  return Buffer.concat([...all, be(8, 0x10)]);
}

function stream(sections: readonly (readonly Page[])[]): Buffer {
  const last = {};
  const blocks = Buffer.concat([named('pc.ram'), be(8, 64 * 1024 ** 2), named('vga.vram'), be(8, 16 * 1024 ** 2)]);
  const setup = Buffer.concat([be(8, 80 * 1024 ** 2 + 0x04), blocks, be(8, 0x10)]);
  const footer = Buffer.concat([be(1, 0x7e), be(4, 2)]);
  return Buffer.concat([
    Buffer.from('QEVM\0\0\0\x03\x07\0\0\0\x0apc-q35-7.2', 'latin1'),
    ...[be(1, 1), be(4, 2), named('ram'), be(4, 0), be(4, 4), setup, footer],
    ...sections.flatMap((pages, n) => [
      be(1, n === sections.length - 1 ? 3 : 2),
      be(4, 2),
      records(pages, last),
      footer,
    ]),
    devices,
  ]);
}

/** What is in memory after a stream was loaded, page by page, and what came after the memory. */
function loaded(bytes: Buffer) {
  const memory = new Map<string, string>();
  const touched = new Set<string>();
  let at = bytes.indexOf('vga.vram') + 8 + 8 + 8 + 5;
  let block = '';
  for (;;) {
    const type = bytes[at];
    if (type === 4) return { memory, touched, rest: bytes.subarray(at) };
    at += 5;
    for (;;) {
      const head = Number(bytes.readBigUInt64BE(at));
      const flags = head % 4096;
      at += 8;
      if (flags === 0x10) break;
      if (!(flags & 0x20)) {
        block = bytes.toString('latin1', at + 1, at + 1 + (bytes[at] ?? 0));
        at += 1 + (bytes[at] ?? 0);
      }
      const key = `${block}:${head - flags}`;
      touched.add(key);
      if (flags & 0x08)
        memory.set(
          key,
          createHash('sha1')
            .update(bytes.subarray(at, at + 4096))
            .digest('hex'),
        );
      else if (bytes[at] === 0) memory.delete(key);
      else memory.set(key, `all ${bytes[at]}`);
      at += flags & 0x08 ? 4096 : 1;
    }
    at += 5;
  }
}

function slimmed(bytes: Buffer): { known: boolean; bytes: Buffer; left: readonly string[] } {
  const directory = fs.mkdtempSync(join(tmpdir(), 'lab-slim-'));
  try {
    const path = join(directory, 'state');
    fs.writeFileSync(path, bytes);
    const known = withoutEmptyPages(path);
    return { known, bytes: fs.readFileSync(path), left: fs.readdirSync(directory) };
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

/** vitest takes long to compare megabytes. */
const isLeft = ({ known, bytes, left }: ReturnType<typeof slimmed>, before: Buffer) => ({
  known,
  same: bytes.equals(before),
  left,
});

const page: fc.Arbitrary<Page> = fc.record(
  {
    block: fc.constantFrom('pc.ram' as const, 'vga.vram' as const),
    place: fc.integer({ min: 0, max: 16_000 }).map((n) => n * 4096),
    fill: fc.constantFrom(0, 0, 0, 7),
  },
  { requiredKeys: ['block', 'place'] },
);
/** A page is sent once: the machine stands still. */
const sections = fc
  .uniqueArray(page, { maxLength: 30, selector: ({ block, place }) => `${block}:${place}` })
  .chain((pages) => fc.nat({ max: pages.length }).map((cut) => [pages.slice(0, cut), pages.slice(cut)]));

test('a new machine has the same memory after it, and is not told of empty pages', () => {
  fc.assert(
    fc.property(sections, (pages) => {
      const whole = stream(pages);
      const slim = slimmed(whole);
      expect(slim.known).toBe(true);
      const [before, after] = [loaded(whole), loaded(slim.bytes)];
      expect(after.memory).toEqual(before.memory);
      expect(after.rest.equals(devices)).toBe(true);
      const empty = pages
        .flat()
        .filter(({ block, place, fill }) => block === 'pc.ram' && fill === 0 && place >= 2 ** 24);
      expect(before.touched.size - after.touched.size).toBe(empty.length);
    }),
    { numRuns: 60 },
  );
});

test('what is larger than what is read at once', () => {
  const pages = Array.from({ length: 3000 }, (_, n): Page => ({ block: 'pc.ram', place: 2 ** 24 + n * 4096 }));
  const whole = stream([pages, []]);
  expect(isLeft(slimmed(whole), whole)).toEqual({ known: true, same: true, left: ['state'] });
});

const three: readonly Page[] = [
  { block: 'pc.ram', place: 0 },
  { block: 'pc.ram', place: 2 ** 25, fill: 0 },
  { block: 'vga.vram', place: 0, fill: 0 },
];
const whole = stream([three, []]);
test.each([
  ['another file', Buffer.from('#!/bin/sh\n')],
  ['an empty one', Buffer.alloc(0)],
  ['one that is cut short', whole.subarray(0, whole.length - devices.length - 20)],
  ['a section of something else', Buffer.from(whole.toString('latin1').replace('\x03ram', '\x03blk'), 'latin1')],
  [
    'a kind of record that is not known',
    Buffer.from(whole.toString('latin1').replace('\x08\x06pc.ram', '\x48\x06pc.ram'), 'latin1'),
  ],
  [
    'a section that ends otherwise',
    Buffer.from(whole.toString('latin1').replaceAll('\x7e\0\0\0\x02', '\x7e\0\0\0\x03'), 'latin1'),
  ],
])('%s is left as it is', (_, bytes) => {
  expect(isLeft(slimmed(bytes), bytes)).toEqual({ known: false, same: true, left: ['state'] });
});
