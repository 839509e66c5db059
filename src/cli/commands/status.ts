import { LabError } from '../../model/errors.ts';
import type { Hosts } from '../../model/host.ts';
import type { Guest, Lab } from '../../spec/lab.ts';
import { stackOf } from '../../stacks/index.ts';
import { systemOf } from '../../systems/index.ts';
import { toolstackOf } from '../../toolstacks/index.ts';
import { isAlive } from '../../toolstacks/virsh.ts';
import { type Context, openContext, type WhichLab } from '../context.ts';
import { showWhere } from '../where.ts';
import { tell } from '../output.ts';

interface GuestStatus {
  readonly name: string;
  readonly address: string;
  /** What the toolstack says: running, shut off …; absent: no such domain. */
  readonly domain: string;
  /** Whether it answers, and how far it booted. */
  readonly system: string;
  /** Its node in the cluster. */
  readonly node: 'online' | 'offline';
}

interface Status {
  readonly lab: string;
  readonly where: string;
  readonly dom0: 'up' | 'down';
  readonly guests: readonly GuestStatus[];
  readonly quorate: boolean;
  /** Fencing resources that run: where. */
  readonly fencing: Readonly<Record<string, string>>;
  /** Where the last run died. */
  readonly unfinished?: { readonly at: string; readonly ids: readonly string[] };
}

/** `lab status`: what there is, from the world. Never waits for the lock. */
export async function statusCommand(options: WhichLab & { readonly json?: boolean }): Promise<number> {
  let states: ReturnType<typeof domainStates> = Promise.resolve(undefined);
  const asks = (lab: Lab, hosts: Hosts) => {
    states = domainStates(lab, hosts);
  };
  const context = await openContext(options, { asks });
  const status = await look(context, await states);
  tell(options.json ? `${JSON.stringify(status)}\n` : show(status));
  return 0;
}

/** What the toolstack says of each guest; undefined where dom0 is not there, or does not answer. */
async function domainStates(lab: Lab, hosts: Hosts) {
  const toolstack = toolstackOf(lab);
  return reached(() => Promise.all(lab.guests.map((guest) => toolstack.domainState(hosts.host('dom0'), guest))));
}

async function look(
  { lab, where, hosts, journal }: Context,
  states: Awaited<ReturnType<typeof domainStates>>,
): Promise<Status> {
  const guests = await Promise.all(lab.guests.map((guest, n) => guestStatus(hosts, lab, guest, states?.[n])));
  const cluster = guests.find((guest) => guest.cluster !== undefined)?.cluster;
  const unfinished = await journal.unfinished();
  return {
    lab: lab.name,
    where: showWhere(where),
    dom0: states === undefined ? 'down' : 'up',
    guests: guests.map(({ cluster: _, ...guest }) => ({
      ...guest,
      node: cluster?.online.includes(guest.name) ? 'online' : 'offline',
    })),
    quorate: cluster?.quorate ?? false,
    fencing: cluster?.fencing ?? {},
    ...(unfinished ? { unfinished } : {}),
  };
}

async function guestStatus(hosts: Hosts, lab: Lab, { name, address }: Guest, state: string | undefined) {
  const guest = hosts.host(name);
  const found = isAlive(state)
    ? await reached(() => Promise.all([systemOf(lab).bootState(guest), stackOf(lab).clusterState(guest)]))
    : undefined;
  const [system, cluster] = found ?? [];
  return {
    name,
    address,
    domain: state ?? 'absent',
    system: system?.says ?? 'does not answer',
    ...(cluster ? { cluster } : {}),
  };
}

/** The answer of a host; undefined if it is not there. */
async function reached<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof LabError) return undefined;
    throw error;
  }
}

function show({ lab, where, dom0, guests, quorate, fencing, unfinished }: Status): string {
  const rows = guests.map(({ name, address, domain, system, node }) => [
    name,
    address,
    domain,
    domain === 'running' ? system : '',
    node,
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = [
    `${lab} on ${where}: dom0 is ${dom0}`,
    ...rows.map(
      (row) =>
        `  ${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}`,
    ),
    `cluster: ${quorate ? 'quorate' : 'not quorate'}; fencing: ${
      Object.entries(fencing)
        .map(([id, node]) => `${id} on ${node}`)
        .join(', ') || 'none'
    }`,
    ...(unfinished
      ? [
          `the run of ${unfinished.at} did not end${unfinished.ids.length > 0 ? `; it was at ${unfinished.ids.join(', ')}` : ''}: lab up goes on`,
        ]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}
