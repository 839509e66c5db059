import { disconnect, endGuests } from '../hosts/ssh.ts';
import { dom0Paths } from '../spec/paths.ts';
import type { Context } from './context.ts';
import { keepsGuests, keptConnection } from './state.ts';

/** Ends what is kept for the next command: dom0's connections to the guests, and the one to dom0. @returns whether there was one */
export async function endKept({ lab, where }: Pick<Context, 'lab' | 'where'>): Promise<boolean> {
  const socket = keptConnection(lab.name, where);
  const to =
    where.is === 'local' ? 'local' : where.is === 'ssh' && socket !== undefined ? { login: where, socket } : undefined;
  const guests = to !== undefined && keepsGuests(lab, where) && (await endGuests(to, dom0Paths(lab).guestSockets));
  return (socket !== undefined && (await disconnect(socket))) || guests;
}
