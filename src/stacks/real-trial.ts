import { randomUUID } from 'node:crypto';
import { type Change, command } from '../model/change.ts';
import type { Host } from '../model/host.ts';
import type { Evidence, Trial } from '../model/step.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import { clusterState } from './pacemaker-cib.ts';
import { dom0Domain, isolate, quorate, until } from './real-looks.ts';

/** How a guest is made to be fenced: on purpose, through the cluster; or so that the cluster has to decide by itself. */
export type Ordeal = 'reboot' | 'off' | 'crash' | 'split';

/** Longest wait for the cluster to act (ms): it goes by its own time-outs, which are made for slow machines. */
const limit = 900_000;

const said: Readonly<Record<Ordeal, (victim: string, survivor: string) => string>> = {
  reboot: (victim, survivor) => `${survivor} has ${victim} fenced: stonith_admin --reboot ${victim}`,
  off: (victim, survivor) => `${survivor} has ${victim} fenced: stonith_admin --off ${victim}`,
  crash: (victim) => `${victim} stops dead (its domain is paused); the cluster has to find out, and fence it`,
  split: () => 'the guests do not hear each other any more; one of them has to fence the other',
};

/**
 * A real fencing: it powers a guest off. Evidence is that the domain really restarted (another domain id, or off), that the
 * survivor kept its quorum, and that the shared file system went on there with all that was written before.
 * @param victim who is fenced; with `split` whoever loses
 * @param begun told when something is really done to a guest
 */
export function realTrial(lab: Lab, ordeal: Ordeal, victim: Guest, begun: () => void): Trial {
  const survivor = lab.guests.find(({ name }) => name !== victim.name) ?? victim;
  const what = `what runs in ${ordeal === 'split' ? 'one of the guests' : victim.name}`;
  const change: Change = command(['stonith_admin'], { why: said[ordeal](victim.name, survivor.name), destroys: what });
  return {
    kind: 'trial',
    id: `real.${ordeal}-${victim.name}`,
    title: ordeal === 'split' ? 'Part the guests' : `Have ${victim.name} fenced (${ordeal})`,
    section: 'Setting up the cluster 4',
    on: survivor.name,
    after: [],
    changes: [change],
    // Never met: a real fencing is asked for, not achieved.
    basis: async () => randomUUID(),
    run: (host) => run(lab, ordeal, victim, survivor, { host, begun }),
  };
}

async function run(
  lab: Lab,
  ordeal: Ordeal,
  victim: Guest,
  survivor: Guest,
  { host, begun }: { host: (name: string) => Host; begun: () => void },
): Promise<Evidence> {
  const dom0 = host('dom0');
  const transcript: string[] = [];
  const began = performance.now();
  const tell = (says: string) =>
    transcript.push(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${says}`);
  const fail = (layer: string, says: string): Evidence => ({
    passed: false,
    layer,
    says,
    hint: 'lab up brings the cluster whole again',
    transcript,
  });

  const state = await clusterState(host(survivor.name));
  const absent = lab.guests.filter(({ name }) => !state?.online.includes(name));
  if (absent.length > 0)
    return fail('cluster', `not online before it began: ${absent.map(({ name }) => name).join(', ')}`);
  const token = randomUUID();
  const files = lab.storage
    ? lab.guests.map(({ name }) => [name, `${lab.storage?.directory}/.real-${name}`] as const)
    : [];
  for (const [name, path] of files) {
    await host(name).writeFile(path, Buffer.from(token), 0o600);
    // What was not on the disk yet may be lost with the power: a rename was, when this was tried without.
    await host(name).run(['sync']);
  }
  const before = new Map<string, string>();
  for (const { name } of lab.guests) before.set(name, await dom0Domain(dom0, name));
  tell(`domains before: ${[...before].map(([name, id]) => `${name} ${id}`).join(', ')}`);

  const fenced = async () => {
    for (const { name } of lab.guests) if ((await dom0Domain(dom0, name)) !== before.get(name)) return name;
    return undefined;
  };
  begun();
  if (ordeal === 'crash') await dom0.run(['virsh', '-c', 'xen:///system', 'suspend', victim.name]);
  if (ordeal === 'split') await isolate(dom0, [...before.values()], true);
  tell(said[ordeal](victim.name, survivor.name));
  try {
    if (ordeal === 'reboot' || ordeal === 'off') {
      const asked = await host(survivor.name).run(['stonith_admin', `--${ordeal}`, victim.name, '-t', '600'], {
        timeout: limit,
      });
      tell(`stonith_admin ended with ${asked.code} ${asked.stderr.trim()}`);
      if (asked.code !== 0) return fail('fencing', `stonith_admin could not fence ${victim.name}`);
    }
    const loser = await until(fenced, limit);
    if (loser === undefined) return fail('fencing', `nobody was fenced within ${limit / 1000} s`);
    tell(`${loser} was fenced: its domain is ${await dom0Domain(dom0, loser)} now`);
    const winner = lab.guests.find(({ name }) => name !== loser) ?? survivor;
    if (ordeal !== 'split' && loser !== victim.name)
      return fail('fencing', `${loser} was fenced, and not ${victim.name}`);
    if (!(await until(async () => ((await quorate(host(winner.name))) ? true : undefined), 120_000)))
      return fail('quorum', `${winner.name} lost its quorum`);
    tell(`${winner.name} is quorate`);
    for (const [name, path] of files) {
      // The first read waits until the lost node's journal was replayed.
      const found = await until(async () => ({ bytes: await host(winner.name).readFile(path) }), 300_000);
      if (!found) return fail('shared disk', `${winner.name} could not read ${path} within 300 s`);
      if (found.bytes === undefined || new TextDecoder().decode(found.bytes) !== token)
        return fail('shared disk', `what ${name} wrote to ${path} before, and synced, is lost`);
    }
    if (lab.storage) {
      await host(winner.name).writeFile(`${lab.storage.directory}/.real-after`, Buffer.from(token), 0o600);
      tell(`${winner.name} reads what both wrote before, and writes on`);
    }
    // A second fencing would be a death match: the winner is still the domain that it was.
    if ((await dom0Domain(dom0, winner.name)) !== before.get(winner.name))
      return fail('fencing', `${winner.name} was fenced as well: a death match`);
    const paths = [...files.map(([, path]) => path), ...(lab.storage ? [`${lab.storage.directory}/.real-after`] : [])];
    if (paths.length > 0) await host(winner.name).run(['rm', '-f', ...paths]);
    return {
      passed: true,
      says: `${loser} was fenced, ${winner.name} stayed quorate${lab.storage ? ' and wrote on' : ''}`,
      transcript,
    };
  } finally {
    if (ordeal === 'split') await isolate(dom0, [...before.values()], false);
  }
}
