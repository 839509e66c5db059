import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { Tree } from '../tree.ts';
import type { World } from '../world.ts';

function string(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** A number as RFC 4251 has it: no sign bit. */
function mpint(base64: string | undefined): Buffer {
  const bytes = Buffer.from(base64 ?? '', 'base64url');
  return string((bytes[0] ?? 0) > 127 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes);
}

/** The public half, as in a .pub file, of an RSA key in PEM (OpenSSH before 7.8); undefined for anything else. */
export function rsaPublicHalf(secret: string | undefined): string | undefined {
  if (!secret?.startsWith('-----BEGIN RSA PRIVATE KEY-----')) return undefined;
  try {
    const { n, e } = createPublicKey(secret).export({ format: 'jwk' });
    return Buffer.concat([string(Buffer.from('ssh-rsa')), mpint(e), mpint(n)]).toString('base64');
  } catch {
    return undefined;
  }
}

/** `ssh-keygen -t rsa` of OpenSSH 4.3. */
export function rsaKeyPair(comment: string, bits: number): { readonly secret: string; readonly open: string } {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const secret = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  return { secret, open: `ssh-rsa ${rsaPublicHalf(secret)} ${comment}\n` };
}

const hostKey = '/etc/ssh/ssh_host_rsa_key';

/** sshd's init script makes the keys that are not there. */
export function writeHostKeys(world: World, tree: Tree): void {
  if (tree.has(hostKey) || !world.changing) return;
  const { secret, open } = rsaKeyPair('', 1024);
  tree.write(hostKey, secret, 0o600);
  tree.write(`${hostKey}.pub`, open);
}
