import { execa } from 'execa';
import { Held, Unreachable } from '../model/errors.ts';
import type { Lock } from '../model/host.ts';
import type { Channel } from './channel.ts';

/** Holds flock(1) on a file for as long as its stdin is open, so that the lock goes with whoever holds the other end. */
const script = `mkdir -p "$(dirname "$1")" && exec 9>>"$1" || exit 1
flock -n 9 || { cat "$1"; exit 44; }
printf '%s' "$2" > "$1"
echo held
cat > /dev/null
: > "$1"`;

/**
 * @throws Held with what the holder wrote
 * @throws Unreachable when the lock file cannot be made
 */
export async function takeLock(channel: Channel, host: string, path: string, who: string): Promise<Lock> {
  const [program, ...args] = channel.wrap(['sh', '-c', script, 'sh', path, who]);
  const holder = execa(program, args, { stdin: 'pipe', reject: false, detached: true });
  holder.stdin.on('error', () => {});
  const taken = new Promise<'held'>((resolve) => {
    let text = '';
    holder.stdout.on('data', (chunk: Buffer) => {
      text += chunk;
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
    throw new Unreachable(host, `cannot take the lock ${path}: ${ended.stderr.trim() || ended.shortMessage}`);
  }
  return {
    async release() {
      holder.stdin.end();
      await holder;
    },
  };
}
