import type { Reader } from '../model/host.ts';

/** `cman_tool status` as keys and values; undefined while cman does not run (it then ends with 1). */
export async function cmanStatus(host: Reader): Promise<ReadonlyMap<string, string> | undefined> {
  const { code, stdout } = await host.read(['cman_tool', 'status']);
  if (code !== 0) return undefined;
  return new Map(
    [...stdout.matchAll(/^([^:\n]+):[ \t]*(.*)$/gm)].map(([, key = '', value = '']) => [key.trim(), value]),
  );
}

/** Whether cman runs and has joined its cluster. */
export async function cmanRunning(host: Reader): Promise<boolean> {
  return (await cmanStatus(host))?.get('Membership state') === 'Cluster-Member';
}

/** The names of the members, and whether they have quorum: cman_tool(8) nodes, columns Node Sts Inc Joined Name. */
export async function members(host: Reader): Promise<{ there: readonly string[]; quorate: boolean }> {
  const [nodes, status] = await Promise.all([host.read(['cman_tool', 'nodes']), cmanStatus(host)]);
  const rows = nodes.stdout.split('\n').map((line) => line.trim().split(/\s+/));
  return {
    // Node 0 is the quorum disk.
    there: rows.filter(([id, sts]) => sts === 'M' && id !== '0').map((row) => row.at(-1) ?? ''),
    quorate: !(status?.get('Quorum') ?? 'blocked').includes('blocked'),
  };
}
