import { Held, type LabError, Unreachable } from '../model/errors.ts';
import type { Argv, Lock } from '../model/host.ts';
import { quote } from './quote.ts';
import type { Session } from './session.ts';

/** The second lock's file, beside the first. */
const WORK = '.work';

/**
 * Holds flock(1) on a file while a shell lasts, so that the lock goes with whoever holds the other end. Commands of a run hold a second
 * lock (WORK) while they last: those of a run that was killed may outlive it, and are waited for here. Whoever waits says so again
 * and again: if nobody reads it any more, the pipe breaks and the wait ends. What the shell begins has to close 9, or holds it too.
 */
const script = `lock() {
  locked=$1 left=$3 gone=
  [ -d "\${1%/*}" ] || mkdir -p "\${1%/*}" || exit 1
  exec 9>> "$1" 8>> "$1${WORK}" || exit 1
  flock -n 9 || { cat "$1"; exit 44; }
  # The one before took the file away when it left: its lock is not on the name any more.
  [ /proc/self/fd/9 -ef "$1" ] || exit 44
  printf '%s' "$2" > "$1"
  unlock() {
    if [ -n "$gone" ]; then
      rm -f "$locked" "$locked${WORK}"
      rmdir "\${locked%/*}" 2> /dev/null
    else
      : > "$locked"
    fi
    exec 9>&-
    echo lock: free
  }
  until flock -w 5 8; do
    echo lock: waiting
    left=$((left - 5))
    [ $left -gt 0 ] || exit 45
  done
  exec 8>&-
  echo lock: held
}
`;

/** How long a command of a killed run is waited for (s). */
const patience = 900;

/** What a lock is taken on, and by whom. */
export interface Locking {
  readonly path: string;
  /** What the holder writes into it. */
  readonly who: string;
  onWait(says: string): void;
}

/** A command that holds the work lock while it and its children last. */
export function working(lock: string, argv: Argv): Argv {
  return ['flock', '-s', `${lock}${WORK}`, ...argv];
}

/**
 * Takes a lock for as long as a session lasts. What is written to it from now on comes after that.
 * @param before whose answers come first
 * @param onWait told when a command of a killed run has to be waited for
 * @throws Held with what the holder wrote
 * @throws Unreachable when the lock file cannot be made
 */
export async function takeLock(
  session: Session,
  host: string,
  { path, who, onWait }: Locking,
  before?: Promise<void>,
): Promise<Lock> {
  session.write(`${script}lock ${quote([path, who, String(patience)])} < /dev/null\n`);
  session.locked = true;
  await before;
  const word = async () => (await session.take('stdout', 'lock: ')).rest;
  try {
    for (let told = false; (await word()) !== 'held'; told = true)
      if (!told)
        onWait(`a command of a run that was killed is still at work on ${host}: waiting for it, ${patience} s at most`);
  } catch (error) {
    throw refusal(session, host, path, error as LabError);
  }
  return {
    onLost: (lost) => void session.end.catch(() => session.endedByItself && lost()),
    async release(gone = false) {
      if (session.ended) return;
      session.finish(gone ? 'gone=yes\n' : '');
      while ((await word().catch(() => 'free')) !== 'free');
      session.close();
    },
  };
}

/** Why there is no lock. `error`: why the session has ended */
function refusal(session: Session, host: string, path: string, error: LabError): LabError {
  if (session.exitCode === 44)
    return new Held(
      `another run holds the lab: ${session.stdout.toString().trim() || 'it did not say who'}`,
      'wait for it to end, or stop it',
    );
  if (session.exitCode === 45)
    return new Held(
      `a command of a run that was killed is still at work on ${host}`,
      `see what holds ${path}${WORK}: fuser -v ${path}${WORK}`,
    );
  return new Unreachable(host, `cannot take the lock ${path}: ${session.stderr.toString().trim() || error.message}`);
}
