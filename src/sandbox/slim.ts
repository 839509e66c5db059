import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { Ended, Sink, Source } from './whole-file.ts';

/*
 * QEMU's migration stream (docs/devel/migration, migration/savevm.c, migration/ram.c): `QEVM`, a version, then sections. That of the memory
 * has a record for each page of 4 KiB: its place (be64) with flags in the low bits, the name of its block unless it is the last
 * record's, and the page, or one byte if all its bytes are the same. The state of the devices comes after it.
 */

const CONFIGURATION = 7;
const START = 1;
const PART = 2;
const END = 3;
const FULL = 4;
const FOOTER = 0x7e;

const ZERO = 0x02;
const MEMORY_SIZE = 0x04;
const PAGE = 0x08;
const END_OF_RECORDS = 0x10;
const SAME_BLOCK = 0x20;

const pageBytes = 4096;
/** What a new machine may have put into its memory before it loads the rest lies below this. */
const firmware = 16 * 1024 ** 2;

/** The file is not what is described here. */
class Unknown extends Error {}

/**
 * Takes the empty pages out of a saved machine's state: a new QEMU has empty memory anyway. Told that a page is empty it would look whether it is,
 * and thereby get it: 5 GiB, zeroed by the kernel, 7 – 20 s of a resume (docs/benchmarks.md).
 * @returns whether the file was one that it knows; if not, it is left as it was
 */
export function withoutEmptyPages(path: string): boolean {
  const slim = `${path}.slim`;
  const from = openSync(path, 'r');
  const to = openSync(slim, 'w', 0o600);
  try {
    copy(new Source(from), new Sink(to));
    renameSync(slim, path);
    return true;
  } catch (error) {
    rmSync(slim, { force: true });
    if (error instanceof Unknown || error instanceof Ended) return false;
    throw error;
  } finally {
    closeSync(from);
    closeSync(to);
  }
}

function copy(source: Source, sink: Sink): void {
  if (source.take(4).toString('latin1') !== 'QEVM') throw new Unknown();
  sink.put(Buffer.from('QEVM'), source.take(4));
  let block: Buffer = Buffer.alloc(0);
  for (;;) {
    const type = source.take(1);
    sink.put(type);
    if (type[0] === CONFIGURATION) sink.put(lengthAnd(source, 4));
    else if (type[0] === FULL) return sink.rest(source);
    else if (type[0] === START || type[0] === PART || type[0] === END) {
      const section = source.take(4);
      sink.put(section);
      if (type[0] === START) {
        const name = lengthAnd(source, 1);
        if (name.toString('latin1', 1) !== 'ram') throw new Unknown();
        sink.put(name, source.take(8));
      }
      block = pages(source, sink, block);
      const footer = source.take(5);
      if (footer[0] !== FOOTER || !footer.subarray(1).equals(section)) throw new Unknown();
      sink.put(footer);
    } else throw new Unknown();
  }
}

/** The records of one section. @param block that of the last record before @returns that of its last */
function pages(source: Source, sink: Sink, block: Buffer): Buffer {
  let written: Buffer | undefined;
  for (;;) {
    const head = source.take(8);
    const place = Number(head.readBigUInt64BE());
    const flags = place % pageBytes;
    if (flags === END_OF_RECORDS) {
      sink.put(head);
      return block;
    }
    if (flags === MEMORY_SIZE) {
      sink.put(head);
      for (let left = place - flags; left > 0;) {
        const name = lengthAnd(source, 1);
        const size = source.take(8);
        sink.put(name, size);
        left -= Number(size.readBigUInt64BE());
      }
      continue;
    }
    const kind = flags & ~SAME_BLOCK;
    if (kind !== ZERO && kind !== PAGE) throw new Unknown();
    if (flags === kind) block = lengthAnd(source, 1);
    const bytes = source.take(kind === PAGE ? pageBytes : 1);
    const isMemory = block.toString('latin1', 1) === 'pc.ram';
    if (kind === ZERO && bytes[0] === 0 && isMemory && place >= firmware) continue;
    head.writeBigUInt64BE(BigInt(place - flags + kind + (block === written ? SAME_BLOCK : 0)));
    sink.put(head, ...(block === written ? [] : [block]), bytes);
    written = block;
  }
}

/** A length and as many bytes, both. */
function lengthAnd(source: Source, bytes: 1 | 4): Buffer {
  const length = source.take(bytes);
  return Buffer.concat([length, source.take(length.readUIntBE(0, bytes))]);
}
