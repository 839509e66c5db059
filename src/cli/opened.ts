import type { Hosts } from '../model/host.ts';

const all = new Set<Hosts>();

/** Hosts of this command. They are closed when it ends, however it ends: an open connection would keep the process. */
export function opened(hosts: Hosts): Hosts {
  all.add(hosts);
  return hosts;
}

/** The end of a command. */
export async function closeOpened(): Promise<void> {
  await Promise.all([...all].map((hosts) => hosts.close()));
  all.clear();
}
