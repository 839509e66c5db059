import { disconnectAll } from '../hosts/ssh.ts';
import { dom0Paths } from '../spec/paths.ts';
import type { Context } from './context.ts';
import { keptConnection } from './state.ts';

/** Ends what is kept for the next command: the connection to dom0, and dom0's to the guests. @returns whether there was one */
export async function endKept({ lab, where }: Pick<Context, 'lab' | 'where'>): Promise<boolean> {
  const socket = keptConnection(lab.name, where);
  if (socket === undefined || where.is !== 'ssh') return false;
  return disconnectAll(where, socket, dom0Paths(lab).guestSockets);
}
