import { execa } from 'execa';
import { Held, Unreachable } from '../model/errors.ts';
import type { Argv, Lock } from '../model/host.ts';
import type { Channel } from './channel.ts';

/** The second lock's file, beside the first. */
const WORK = '.work';

/**
 * Holds flock(1) on a file for as long as its stdin is open, so that the lock goes with whoever holds the other end. Commands
 * of a run hold a second lock (WORK) while they last: those of a run that was killed may outlive it, and are waited for here.
 * Whoever waits says so again and again: if nobody reads it any more, the pipe breaks and the wait ends.
 */
const script = `mkdir -p "$(dirname "$1")" && exec 9>>"$1" 8>>"$1${WORK}" || exit 1
flock -n 9 || { cat "$1"; exit 44; }
# The one before took the file away when it left: its lock is not on the name any more.
[ /proc/self/fd/9 -ef "$1" ] || exit 44
printf '%s' "$2" > "$1"
left=$3
until flock -w 5 8; do
  echo waiting
  left=$((left - 5))
  [ $left -gt 0 ] || exit 45
done
exec 8>&-
echo held
if [ "$(cat)" = gone ]; then
  rm -f "$1" "$1${WORK}"
  rmdir "$(dirname "$1")" 2> /dev/null
else
  : > "$1"
fi`;

/** How long a command of a killed run is waited for (s). */
const patience = 900;

/** A command that holds the work lock while it and its children last. */
export function working(lock: string, argv: Argv): Argv {
  return ['flock', '-s', `${lock}${WORK}`, ...argv];
}

/**
 * @param onWait told when a command of a killed run has to be waited for
 * @throws Held with what the holder wrote
 * @throws Unreachable when the lock file cannot be made
 */
export async function takeLock(
  channel: Channel,
  host: string,
  path: string,
  who: string,
  onWait: (says: string) => void,
): Promise<Lock> {
  const [program, ...args] = channel.wrap(['sh', '-c', script, 'sh', path, who, String(patience)]);
  const holder = execa(program, args, { stdin: 'pipe', reject: false, detached: true });
  holder.stdin.on('error', () => {});
  const taken = new Promise<'held'>((resolve) => {
    let text = '';
    let told = false;
    holder.stdout.on('data', (chunk: Buffer) => {
      text += chunk;
      if (!told && String(chunk).includes('waiting')) {
        told = true;
        onWait(`a command of a run that was killed is still at work on ${host}: waiting for it, ${patience} s at most`);
      }
      if (text.endsWith('held\n')) resolve('held');
    });
  });
  const ended = await Promise.race([taken, holder]);
  if (ended !== 'held') {
    if (ended.exitCode === 44)
      throw new Held(
        `another run holds the lab: ${ended.stdout.trim() || 'it did not say who'}`,
        'wait for it to end, or stop it',
      );
    if (ended.exitCode === 45)
      throw new Held(
        `a command of a run that was killed is still at work on ${host}`,
        `see what holds ${path}${WORK}: fuser -v ${path}${WORK}`,
      );
    throw new Unreachable(host, `cannot take the lock ${path}: ${ended.stderr.trim() || ended.shortMessage}`);
  }
  let released = false;
  return {
    onLost: (lost) => void holder.then(() => released || lost()),
    async release(gone = false) {
      released = true;
      holder.stdin.end(gone ? 'gone' : '');
      await holder;
    },
  };
}
