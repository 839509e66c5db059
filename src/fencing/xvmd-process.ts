import type { Reader } from '../model/host.ts';
import { textOf } from '../steps/file-content.ts';

/** The process id of fence_xvmd on dom0; undefined if none runs. */
export async function daemonPid(dom0: Reader): Promise<string | undefined> {
  const { code, stdout } = await dom0.read(['pidof', 'fence_xvmd']);
  return code === 0 ? stdout.trim().split(/\s+/)[0] : undefined;
}

/** Whether it was started with -f, as for a test. */
export async function isForeground(dom0: Reader, pid: string): Promise<boolean> {
  const words = textOf(await dom0.readFile(`/proc/${pid}/cmdline`))?.split('\0') ?? [];
  return words.slice(1).some((word) => /^-[a-zA-Z]*f/.test(word));
}
