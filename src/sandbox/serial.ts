import type { Reader } from '../model/host.ts';
import type { Step } from '../model/step.ts';

/** Waiting for a machine to boot: what its serial log says meanwhile, and at last. */
export function untilBooted(serial: string): NonNullable<Step['settle']> {
  return {
    within: 300_000,
    // A dom0 that crashes ends its QEMU, and may boot the next time.
    repeats: 1,
    lasts: true,
    pause: 500,
    hint: `read its serial log: ${serial}`,
    state: async ({ host }) => (await lastLines(host, serial, 3)).at(-1)?.trim().slice(0, 80) ?? '',
    diagnose: async ({ host }) => ['last lines of its serial log:', ...(await lastLines(host, serial, 15))],
  };
}

async function lastLines(local: Reader, path: string, count: number): Promise<readonly string[]> {
  const { stdout } = await local.read(['tail', '-n', String(4 * count), path]);
  // Xen ends each line twice.
  const lines = stdout.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  return lines.slice(-count);
}
