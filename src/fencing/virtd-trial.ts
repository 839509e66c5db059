import { createHash } from 'node:crypto';
import { judgeNullTest, readFenceList } from '../formats/fence-xvm.ts';
import { command } from '../model/change.ts';
import type { Argv, Host, Ran, Reader } from '../model/host.ts';
import { mustRead } from '../model/must-run.ts';
import type { Evidence, Look, Trial } from '../model/step.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import { virtdOf } from './virtd.ts';
import type { Placed } from '../steps/file-content.ts';

/** The options that every fence_xvm call of a lab needs: nothing is left to defaults. */
export function fenceXvm({ fencing }: Pick<Lab, 'fencing'>, ...args: readonly string[]): Argv {
  return ['fence_xvm', '-a', fencing.address, '-p', String(fencing.port), '-k', fencing.key, ...args];
}

/**
 * The fencing test of the document: from one guest, aimed at another, list and then null. It passes on proof of the whole
 * path only: the exchange on the client, and the request in fence_virtd's log. Setting up the cluster 4.
 */
export function virtdTrial(placed: Placed, lab: Lab, from: Guest, at: Guest): Trial {
  const list = fenceXvm(lab, '-o', 'list');
  const nullTest = fenceXvm(lab, '-H', at.name, '-ddd', '-o', 'null');
  return {
    kind: 'trial',
    ...placed,
    changes: [command(list), command(nullTest, { why: `${nullTest.join(' ')}  (proves the path; fences nobody)` })],
    basis: (look) => basisOf(look, lab, from, at),
    async run(host) {
      const guest = host(from.name);
      const dom0 = host('dom0');
      const transcript: string[] = [];
      const keep = (on: string, { argv, code, stdout, stderr }: Ran) =>
        transcript.push(
          `${on}# ${argv.join(' ')}`,
          ...`${stdout}${stderr}`.trimEnd().split('\n'),
          `(exit code ${code})`,
        );
      const fail = (layer: string, says: string, hint: string): Evidence => ({
        passed: false,
        layer,
        says,
        hint,
        transcript,
      });

      const { unit } = virtdOf(lab);
      const daemon = await dom0.read(['systemctl', 'is-active', unit]);
      if (daemon.stdout.trim() !== 'active') {
        return fail(
          'fence_virtd',
          `${unit} does not run on dom0 (${daemon.stdout.trim()})`,
          `lab up starts it; why it ended: journalctl -u ${unit}`,
        );
      }
      const listed = await whenPortIsFree(guest, lab, () => guest.read(list));
      keep(from.name, listed);
      const seen = readFenceList(listed.stdout);
      if (listed.code === 0 && !seen.some(({ uuid }) => uuid === at.uuid)) {
        return fail(
          'name',
          `dom0 answers, but its list lacks ${at.name} with uuid ${at.uuid}`,
          'a domain made by xl create is invisible to libvirt: lab up defines and starts it there',
        );
      }
      const cursor = await logCursor(dom0, lab);
      const tried = await whenPortIsFree(guest, lab, () => guest.run(nullTest, inTime));
      keep(from.name, tried);
      const log = await logSince(dom0, lab, cursor);
      transcript.push(`dom0# journalctl -u ${unit}`, ...log);
      const verdict = judgeNullTest(`${tried.stdout}${tried.stderr}`, tried.code);
      const request = log.some((line) => line.includes('Request') && line.includes(at.name));
      if (!verdict.passed)
        return fail(
          request && verdict.layer === 'request to dom0' ? 'call back to the guest' : (verdict.layer ?? 'answer'),
          verdict.says,
          hintFor(log, lab, from),
        );
      if (!request)
        return fail(
          'request to dom0',
          'the client got its answer, but fence_virtd on this dom0 logged no request: another host answers',
          'look for a second fence_virtd on this network',
        );
      return { passed: true, says: `${from.name} reaches ${at.name} through dom0: ${verdict.says}`, transcript };
    },
  };
}

/** What is asked of dom0 may take so long (ms). */
export const inTime = { timeout: 120_000 };

/** How often a fence_xvm that finds its port taken is tried again. The cluster's own monitor takes it once a minute, for seconds. */
const tries = 5;

/**
 * dom0 calls the guest back on a TCP port, so only one fence_xvm can run in a guest at a time: the cluster's has to end first.
 * @param ask runs one. A list, or a test that fences nobody, is a look, over the connection that stands: an emulated guest takes two
 * seconds for another
 * @param free it was seen to be so just now
 */
export async function whenPortIsFree(guest: Reader, lab: Lab, ask: () => Promise<Ran>, free = false): Promise<Ran> {
  for (let attempt = 1; ; attempt++) {
    if (!free || attempt > 1) await portIsFree(guest, lab);
    const ran = await ask();
    if (!`${ran.stdout}${ran.stderr}`.includes('Address already in use') || attempt === tries) return ran;
  }
}

/** Half a minute at most. */
async function portIsFree(guest: Reader, { fencing: { port } }: Lab): Promise<void> {
  for (let look = 0; look < 60 && (await guest.read(['ss', '-Hltn'])).stdout.includes(`:${port} `); look++)
    await new Promise((wake) => setTimeout(wake, 500));
}

/** What the log of fence_virtd says about a failure. */
function hintFor(log: readonly string[], lab: Lab, from: Guest): string {
  const text = log.join('\n');
  if (/mismatch/i.test(text))
    return `the keys differ: compare sha256sum ${lab.fencing.key} on dom0 and in ${from.name}`;
  if (/Failed to call back|Network is unreachable/.test(text))
    return `dom0 cannot open TCP ${lab.fencing.port} on ${from.address}: look at the guest's firewall and the route`;
  return `on dom0: systemctl status ${virtdOf(lab).unit}; ss -lun; is UDP ${lab.fencing.port} open, and does it listen on ${lab.network.bridge}?`;
}

/** Where the log of fence_virtd is now. @throws CommandFailed if it cannot be read: no request in it would mean that none came */
export async function logCursor(dom0: Host, lab: Lab): Promise<string> {
  const { stdout } = await mustRead(dom0, ['journalctl', '-u', virtdOf(lab).unit, '-n', '0', '--show-cursor']);
  return /^-- cursor: (\S+)/m.exec(stdout)?.[1] ?? '';
}

export async function logSince(dom0: Host, lab: Lab, cursor: string): Promise<readonly string[]> {
  const since = cursor === '' ? [] : [`--after-cursor=${cursor}`];
  const { unit } = virtdOf(lab);
  const { stdout } = await mustRead(dom0, ['journalctl', '-u', unit, '-o', 'cat', '--no-pager', ...since]);
  return stdout.trimEnd().split('\n').slice(-40);
}

/** All that the result depends on. A key is in it as a digest of its digest. */
async function basisOf(look: Look, lab: Lab, from: Guest, at: Guest): Promise<string> {
  const dom0 = look.on('dom0');
  const found = await Promise.all([
    dom0.digest(lab.fencing.key),
    dom0.digest(virtdOf(lab).conf),
    look.on(from.name).digest(lab.fencing.key),
  ]);
  const basis = [lab.fencing, lab.network.bridge, from.mac, from.address, at.name, at.uuid, ...found];
  return createHash('sha256').update(JSON.stringify(basis)).digest('hex');
}
