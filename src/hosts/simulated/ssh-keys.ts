import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { fail, getopt, type Handler, ok } from './call.ts';
import { isRedHat } from './red-hat/release.ts';
import { rsaKeyPair, rsaPublicHalf } from './red-hat/rsa.ts';
import type { Tree } from './tree.ts';

/** Length and bytes, as in RFC 4251. */
function string(bytes: Uint8Array | string): Buffer {
  const content = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
}

const ed25519 = 'ssh-ed25519';

/** An ed25519 key pair as ssh-keygen(1) writes it (openssh, PROTOCOL.key), without passphrase. */
function keyPair(comment: string): { readonly secret: string; readonly open: string } {
  const pair = generateKeyPairSync('ed25519');
  const open = pair.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const seed = pair.privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32);
  const blob = Buffer.concat([string(ed25519), string(open)]);
  const check = randomBytes(4);
  const inner = Buffer.concat([check, check, blob, string(Buffer.concat([seed, open])), string(comment)]);
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, n) => n + 1));
  const none = string('none');
  const one = Buffer.from([0, 0, 0, 1]);
  const magic = Buffer.from('openssh-key-v1\0');
  const body = Buffer.concat([
    magic,
    none,
    none,
    string(''),
    one,
    string(blob),
    string(Buffer.concat([inner, padding])),
  ]);
  const lines = body.toString('base64').match(/.{1,70}/g) ?? [];
  return {
    secret: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`,
    open: `${ed25519} ${blob.toString('base64')} ${comment}\n`,
  };
}

/** Types of keys that a machine's OpenSSH knows. */
export function keyTypesOf(tree: Tree): readonly string[] {
  return isRedHat(tree) ? ['rsa'] : ['ed25519', 'rsa'];
}

/** The public half, as in a .pub file, that belongs to a private key; undefined if it is no ed25519 key, nor an RSA key in PEM. */
export function publicHalf(secret: string | undefined): string | undefined {
  const rsa = rsaPublicHalf(secret);
  if (rsa !== undefined) return rsa;
  const body = Buffer.from((secret ?? '').replaceAll(/-----[^-]*-----|\s/g, ''), 'base64');
  const at = body.indexOf(string(ed25519));
  return at < 0 ? undefined : body.subarray(at, at + 4 + ed25519.length + 4 + 32).toString('base64');
}

/** What sshd of a machine shows; undefined if it has no key to show. */
export function hostKeyOf(tree: Tree, type = 'ed25519'): string | undefined {
  if (!keyTypesOf(tree).includes(type)) return undefined;
  return publicHalf(tree.text(`/etc/ssh/ssh_host_${type}_key`));
}

/** Writes a pair of files; the private one first, `midway` between the two. */
export function writeKeyPair(
  tree: Tree,
  path: string,
  comment: string,
  midway: () => void = () => {},
  { secret, open } = keyPair(comment),
): void {
  tree.write(path, secret, 0o600);
  midway();
  tree.write(`${path}.pub`, open, 0o644);
}

export const sshKeygen: Handler = ({ machine: { tree }, args, midway }) => {
  const options = getopt(args, ['-q'], ['-t', '-N', '-C', '-f', '-b']);
  const path = options.value('-f');
  const type = options.value('-t') ?? '';
  const usual = isRedHat(tree) ? 'rsa' : 'ed25519';
  if (!keyTypesOf(tree).includes(type)) return fail(1, `unknown key type ${type}`);
  if (type !== usual || path === undefined || options.value('-N') !== '')
    return fail(1, `ssh-keygen: simulated with -t ${usual}, -N "" and -f only`);
  if (!tree.isDirectory(dirname(path))) return fail(1, `Saving key "${path}" failed: No such file or directory`);
  // It asks on the terminal, and there is none.
  if (tree.has(path)) return fail(1, '', `${path} already exists.\nOverwrite (y/n)? `);
  const comment = options.value('-C') ?? 'root@dom0';
  const pair = type === 'rsa' ? rsaKeyPair(comment, Number(options.value('-b') ?? 2048)) : keyPair(comment);
  writeKeyPair(tree, path, comment, midway, pair);
  return ok();
};
