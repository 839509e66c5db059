import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { BadInput } from '../model/errors.ts';

/** Where the dom0 is. */
export type Where =
  | { readonly is: 'local' }
  | { readonly is: 'sandbox' }
  | { readonly is: 'ssh'; readonly destination: string; readonly port?: number }
  | { readonly is: 'simulated'; readonly directory: string };

/**
 * `local`, `sandbox`, `ssh://[user@]host[:port]`, `simulated:DIR`. Unsaid: local on a dom0, the sandbox elsewhere.
 * @throws BadInput
 */
export function readWhere(text: string | undefined, file: string): Where {
  if (text === undefined) return { is: isDom0() ? 'local' : 'sandbox' };
  if (text === 'local' || text === 'sandbox') return { is: text };
  const directory = /^simulated:(.+)$/.exec(text)?.[1];
  if (directory !== undefined) return { is: 'simulated', directory: resolve(directory) };
  const ssh = /^ssh:\/\/((?:\w[\w.-]*@)?(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:]+\]))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(ssh?.[2] ?? 22);
  if (ssh?.[1] !== undefined && port >= 1 && port <= 65_535) {
    const destination = ssh[1].replace(/[[\]]/g, '');
    return { is: 'ssh', destination, ...(ssh[2] === undefined ? {} : { port }) };
  }
  throw new BadInput([
    { place: { file }, message: `found "${text}", expected local, sandbox, ssh://[user@]host[:port] or simulated:DIR` },
  ]);
}

export function showWhere(where: Where): string {
  if (where.is === 'ssh') return `ssh://${where.destination}${where.port === undefined ? '' : `:${where.port}`}`;
  return where.is === 'simulated' ? `simulated:${where.directory}` : where.is;
}

/** Xen tells a dom0 by `control_d`. */
function isDom0(): boolean {
  try {
    return readFileSync('/proc/xen/capabilities', 'utf8').includes('control_d');
  } catch {
    return false;
  }
}
