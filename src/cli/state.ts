import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Lab } from '../spec/lab.ts';
import { showWhere, type Where } from './where.ts';

/** What this machine keeps of a lab: the journal, and a connection to its dom0 for the next command. */
export function stateDirectory(lab: string): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'lab', lab);
}

/** A socket's path has at most 107 bytes (unix(7)), and while ssh makes it, 17 more than its name. */
const longest = 90;

/**
 * Where the connection to a dom0 is kept; undefined where none is: this machine needs none, and a sandbox is started and stopped
 * from here, so that a connection that outlives it would be asked for answers that do not come.
 */
export function keptConnection(lab: string, where: Where): string | undefined {
  if (where.is !== 'ssh') return undefined;
  const socket = `${createHash('sha256').update(showWhere(where)).digest('hex').slice(0, 12)}.ssh`;
  const path = join(stateDirectory(lab), socket);
  return Buffer.byteLength(path) > longest ? undefined : path;
}

/**
 * Whether dom0 keeps connections to the guests. An old one has an ssh(1) that keeps nothing; in a sandbox a guest is emulated, and a
 * session costs it more than a shell that stands.
 */
export function keepsGuests({ toolstack }: Pick<Lab, 'toolstack'>, { is }: Where): boolean {
  return toolstack === 'libvirt' && (is === 'local' || is === 'ssh');
}
