import { LabError } from '../model/errors.ts';
import type { Argv, Reader } from '../model/host.ts';

/** virsh on this dom0's Xen. A domain made by `xl create` is invisible here, and so to fence_virtd. */
export function virsh(...args: readonly [string, ...string[]]): Argv {
  return ['virsh', '-c', 'xen:///system', ...args];
}

/** `virsh domstate`: running, idle, paused, in shutdown, shut off, crashed; undefined for a domain that libvirt does not know. */
export async function domainState(dom0: Reader, name: string): Promise<string | undefined> {
  const { code, stdout, stderr } = await dom0.read(virsh('domstate', name));
  if (code === 0) return stdout.trim();
  // 127: libvirt's tools are not installed yet, so it knows no domain.
  if (code === 127 || /failed to get domain|Domain not found/.test(stderr)) return undefined;
  throw new LabError(
    `on ${dom0.name}: virsh domstate ${name}: ${stderr.trim() || `exit code ${code}`}`,
    'look at: virsh -c xen:///system list --all',
  );
}

export function isAlive(state: string | undefined): boolean {
  return state !== undefined && state !== 'shut off' && state !== 'crashed';
}

/** The XML that libvirt keeps of a domain; undefined if it does not know it. */
export async function domainDefinition(dom0: Reader, name: string): Promise<string | undefined> {
  const { code, stdout } = await dom0.read(virsh('dumpxml', '--inactive', name));
  return code === 0 ? stdout : undefined;
}
