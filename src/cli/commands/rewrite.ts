import { createReadStream } from 'node:fs';
import { NIL, v4, validate } from 'uuid';
import { readDisk } from '../../formats/disk-spec.ts';
import { editDomainFile } from '../../formats/domain-file.ts';
import { nthMac } from '../../formats/mac.ts';
import { readVif } from '../../formats/vif-spec.ts';
import { BadInput, type Complaint } from '../../model/errors.ts';
import { quoted } from '../../spec/words.ts';
import { tell } from '../output.ts';

export interface RewriteOptions {
  readonly name?: string;
  /** `new` makes a random one, as the document's uuidgen does. */
  readonly uuid?: string;
  readonly disk?: readonly string[];
  readonly vif?: readonly string[];
  readonly annotate?: boolean;
}

export interface RewriteIo {
  readonly stdout: { write(bytes: Uint8Array): unknown };
  /** The bytes of a file; `-`: of stdin. */
  readFile(path: string): Promise<Uint8Array>;
}

export const realIo: RewriteIo = {
  stdout: { write: tell },
  readFile: async (path) => upTo(mostBytes, path === '-' ? process.stdin : createReadStream(path)),
};

/** Far more than any domain file has; what is longer is something else. */
const mostBytes = 1024 * 1024;

async function upTo(most: number, stream: AsyncIterable<Buffer>): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > most) throw new Error(`it has more than ${most} bytes`);
  }
  return Buffer.concat(chunks);
}

/**
 * `lab rewrite FILE`: the domain-file editor alone. The result goes to stdout, all or nothing.
 * @throws BadInput with every complaint
 */
export async function rewrite(file: string, options: RewriteOptions, io: RewriteIo): Promise<void> {
  const { name, disk, vif, annotate = false } = options;
  const uuid = options.uuid === 'new' ? v4() : options.uuid;
  const complaints = wrongIn({ name, uuid, disk, vif });
  if (complaints.length > 0) throw new BadInput(complaints);

  const shown = file === '-' ? 'stdin' : file;
  const bytes = await io.readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new BadInput([complaint(shown, why(error))]);
  });
  const { decode, encode } = codecOf(bytes);
  const edits = {
    ...(name !== undefined && { name }),
    ...(uuid !== undefined && { uuid }),
    ...(disk !== undefined && { disk: disk.map((spec) => decode(Buffer.from(spec))) }),
    ...(vif !== undefined && { vif: vif.map((spec) => decode(Buffer.from(spec))) }),
  };
  io.stdout.write(encode(editDomainFile(decode(bytes), edits, { file: shown, annotate })));
}

/** Old files hold old encodings, in comments mostly: what is no UTF-8 is edited byte by byte, so that every byte stays. */
function codecOf(bytes: Uint8Array): { decode(bytes: Uint8Array): string; encode(text: string): Uint8Array } {
  try {
    const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    utf8.decode(bytes);
    return { decode: (some) => utf8.decode(some), encode: (text) => Buffer.from(text) };
  } catch {
    return { decode: (some) => Buffer.from(some).toString('latin1'), encode: (text) => Buffer.from(text, 'latin1') };
  }
}

function wrongIn({
  name,
  uuid,
  disk = [],
  vif = [],
}: { [key in keyof RewriteOptions]: RewriteOptions[key] | undefined }) {
  const complaints: Complaint[] = [];
  if (name !== undefined && !isDomainName(name)) {
    const hint =
      'Letters, digits, . _ + and -, from a letter or digit, at most 63, not only digits, not the dom0’s own.';
    complaints.push(complaint('--name', `found ${quoted(name)}, expected the name of a domain`, hint));
  }
  if (uuid !== undefined && (!validate(uuid) || uuid === NIL)) {
    const hint = 'E.g. 54a64a64-1db9-4c32-9e0d-0e9d63c4a86c, as uuidgen prints; or new.';
    complaints.push(complaint('--uuid', `found ${quoted(uuid)}, expected a uuid that is not dom0’s own`, hint));
  }
  const devices = new Set<string>();
  for (const spec of disk) {
    complaints.push(
      ...complaintsOf(() => {
        const { vdev } = readDisk(spec, { file: '--disk' });
        if (devices.has(vdev))
          throw new BadInput([complaint('--disk', `found ${vdev} twice, expected a device for each disk`)]);
        devices.add(vdev);
      }),
    );
  }
  for (const spec of vif) {
    complaints.push(
      ...complaintsOf(() => {
        const { mac } = readVif(spec, { file: '--vif' });
        if (mac !== undefined) nthMac(mac, 0, { file: '--vif' });
      }),
    );
  }
  return complaints;
}

/** What xl and xm take, and what can be a file in /etc/xen ("Must match domain file name"). xl takes digits for an id. */
function isDomainName(name: string): boolean {
  const isName = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$/.test(name) && !/^\d+$/.test(name);
  return isName && name.toLowerCase() !== 'domain-0';
}

function complaint(file: string, message: string, hint?: string): Complaint {
  return { place: { file }, message, ...(hint !== undefined && { hint }) };
}

function complaintsOf(check: () => void): readonly Complaint[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof BadInput) return error.complaints;
    throw error;
  }
}

function why({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'there is no such file';
  return code === 'EISDIR' ? 'is a directory, expected a domain file' : `cannot be read: ${message}`;
}
