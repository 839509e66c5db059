import type { Reader } from '../model/host.ts';

/** Of this boot alone: random(4), /proc/sys/kernel/random/boot_id. */
export async function bootId(guest: Reader): Promise<string> {
  return new TextDecoder().decode(await guest.readFile('/proc/sys/kernel/random/boot_id')).trim();
}

/** Looks until there is an answer, less and less often. A look that fails is none. */
export async function until<T>(look: () => Promise<T | undefined>, limit: number): Promise<T | undefined> {
  const end = performance.now() + limit;
  for (let pause = 200; performance.now() < end; pause = Math.min(pause * 1.5, 3000)) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    await new Promise((wake) => setTimeout(wake, pause));
  }
  return undefined;
}
