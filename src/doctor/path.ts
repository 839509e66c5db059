import { fenceXvm, inTime, logCursor, logSince, whenPortIsFree } from '../fencing/virtd-trial.ts';
import { pathOptions } from '../fencing/xvmd-options.ts';
import { readFenceList } from '../formats/fence-xvm.ts';
import { LabError } from '../model/errors.ts';
import type { Argv, Host, HostName } from '../model/host.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import { denied, isDenied, isNotRun, pathCause, type Tried } from './path-cause.ts';
import { broken, type Finding, firstLine, holds, type Seen, unknown } from './probe.ts';
import { logsRequests } from './virtd.ts';

export const pathLayer = 'path';

/** Seconds that fence_xvm waits. fence_virtd calls back within five. */
const patience = ['-t', '10'] as const;

/**
 * The experiment: from each guest, aimed at the next, the null operation, which fences nobody. It changes nothing, but it is
 * not a mere look, and it takes ten seconds where it fails: so it is made last, and only where the layers before it do not
 * show a cause already.
 */
export async function tryPath(lab: Lab, host: (name: HostName) => Host, before: readonly Finding[]): Promise<Finding> {
  const bad = before.find(({ state }) => state === 'broken');
  if (bad) return { layer: pathLayer, ...unknown(`not tried: ${bad.layer} is broken`) };
  try {
    return { layer: pathLayer, ...(await tryAll(lab, host, before)) };
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return { layer: pathLayer, ...unknown(firstLine(error.message)) };
  }
}

async function tryAll(lab: Lab, host: (name: HostName) => Host, before: readonly Finding[]): Promise<Seen> {
  const tells = lab.toolstack === 'libvirt' && (await logsRequests(host('dom0'), lab));
  const suspects = before.flatMap(({ suspect }) => suspect ?? []);
  const held = (name: string) => before.some(({ layer, state }) => layer === name && state === 'holds');
  const known = { suspects, joined: held('listener'), open: held('dom0 firewall') };
  const seen: string[] = [];
  for (const [n, from] of lab.guests.entries()) {
    const at = lab.guests[(n + 1) % lab.guests.length] ?? from;
    const tried = { ...(await tryFrom(lab, host, from, at, tells)), ...known };
    const cause = pathCause(lab, tried);
    if (cause) return broken(`from ${from.name} at ${at.name}: ${lastWords(tried)}`, cause);
    seen.push(`${from.name} at ${at.name}`);
  }
  const unlisted = lab.toolstack === 'libvirt' ? await missingInList(lab, host) : undefined;
  if (unlisted) {
    return broken(unlisted, {
      name: 'not-listed',
      number: 9,
      says: unlisted,
      cure: {
        says: 'lab defines and starts its guests in libvirt',
        command: 'lab up --only 6 --only 7',
        chapters: ['6', '7'],
      },
    });
  }
  for (const [n, from] of lab.toolstack === 'libvirt' ? lab.guests.entries() : []) {
    const at = lab.guests[(n + 1) % lab.guests.length] ?? from;
    const status = fenceXvm(lab, '-H', at.name, ...patience, '-o', 'status');
    const said = await whenPortIsFree(host(from.name), lab, () => host(from.name).run(status, inTime));
    if (isDenied(said)) return broken(`from ${from.name} at ${at.name}: status: Permission denied`, denied(from));
  }
  return holds(
    `null from ${seen.join(', ')}: request, challenge, answer`,
    `each guest can fence the next${tells || lab.toolstack === 'xm' ? '' : ' (fence_virtd logs no requests)'}`,
  );
}

async function tryFrom(
  lab: Lab,
  host: (name: HostName) => Host,
  from: Guest,
  at: Guest,
  tells: boolean,
): Promise<Tried> {
  const dom0 = host('dom0');
  const guest = host(from.name);
  const ask = (...args: readonly string[]): Argv =>
    lab.toolstack === 'xm' ? ['fence_xvm', ...pathOptions(lab), ...args] : fenceXvm(lab, ...args);
  const cursor = tells ? await logCursor(dom0, lab) : '';
  const nothing = ask('-H', at.name, ...patience, '-ddd', '-o', 'null');
  const { stdout, stderr, code } = await whenPortIsFree(guest, lab, () => guest.run(nothing, inTime));
  const log = tells ? (await logSince(dom0, lab, cursor)).join('\n') : undefined;
  const tried = { from, output: `${stdout}${stderr}`, code, log };
  if (log === undefined || /Request|mismatch|strong enough|wrong family/.test(log)) return tried;
  const listed = await dom0.read(ask(...patience, '-o', 'list'));
  return isNotRun(listed.code) ? tried : { ...tried, dom0Lists: listed.code === 0 };
}

/** A typing error in a name looks like "powered off": so the list is looked at too. */
async function missingInList(lab: Lab, host: (name: HostName) => Host): Promise<string | undefined> {
  const { code, stdout } = await host('dom0').read(fenceXvm(lab, ...patience, '-o', 'list'));
  const listed = readFenceList(stdout);
  const missing = lab.guests.find(({ name, uuid }) => !listed.some((one) => one.name === name && one.uuid === uuid));
  return code === 0 && missing ? `fence_xvm -o list lacks ${missing.name} with uuid ${missing.uuid}` : undefined;
}

const lastWords = ({ output, log }: Tried): string =>
  [
    output.trim().split('\n').slice(-2).join(' / '),
    log ? `fence_virtd: ${log.trim().split('\n').slice(-2).join(' / ')}` : '',
  ]
    .filter(Boolean)
    .join('; ');
