import type { Change, CommandChange, FileChange } from '../model/change.ts';

/** Programs that are over at once: a session of its own costs such a command more than it does itself. */
const brief = /^(chmod|dd|install|ln|mkdir|mount|mv|rm|setfattr|ssh-keygen|touch|truncate|umount)$/;

/** As much as the line of one command holds: 128 KiB (execve(2), MAX_ARG_STRLEN). */
const most = 100;

/** What may share a session: it takes no time to speak of, and nobody has to watch it. */
export function isBrief(change: Change): change is FileChange | CommandChange {
  if (change.is === 'file') return true;
  if (change.is !== 'command' || !brief.test(change.argv[0])) return false;
  return [change.input, change.grows, change.timeout, change.outlives].every((special) => special === undefined);
}

/** Changes cut where one needs a session of its own, and after one whose output says whether to go on. */
export function inSessions(changes: readonly Change[]): readonly (readonly Change[])[] {
  const sessions: Change[][] = [];
  let open: Change[] | undefined;
  for (const change of changes) {
    if (open && isBrief(change) && open.length < most) open.push(change);
    else sessions.push((open = [change]));
    if (!isBrief(change) || ('declined' in change && change.declined !== undefined)) open = undefined;
  }
  return sessions;
}
