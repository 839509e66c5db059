import { createHash } from 'node:crypto';
import { judgeNullTest } from '../formats/fence-xvm.ts';
import { judgeXvmdLog } from '../formats/fence-xvmd.ts';
import { command } from '../model/change.ts';
import { CommandFailed } from '../model/errors.ts';
import type { Argv, Host } from '../model/host.ts';
import { mustRun } from '../model/must-run.ts';
import type { Evidence, Look, Trial } from '../model/step.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import { daemonArgv, pathOptions } from './xvmd-options.ts';
import { daemonPid } from './xvmd-process.ts';

const section = 'Setting up the cluster 4';

/** Where fence_xvmd's debugging output goes during a test. */
const log = '/var/log/cluster-lab-fence_xvmd.log';

const test = (lab: Lab, at: Guest): Argv => ['fence_xvm', ...pathOptions(lab), '-H', at.name, '-ddd', '-o', 'null'];

/** One after the other: each has dom0's only fence_xvmd to itself. */
export function xvmdTrials(lab: Lab, after: Trial['after']): readonly Trial[] {
  const trials: Trial[] = [];
  for (const [n, from] of lab.guests.entries()) {
    const at = lab.guests[(n + 1) % lab.guests.length] ?? from;
    const before = trials.at(-1);
    trials.push(xvmdTrial(lab, from, at, before ? [...after, before] : after));
  }
  return trials;
}

/**
 * The document's fencing test: fence_xvmd stopped, run in the foreground with its debugging output kept, `-o null` from one
 * guest at another, both transcripts judged, and fence_xvmd put back, whatever happened.
 */
function xvmdTrial(lab: Lab, from: Guest, at: Guest, after: Trial['after']): Trial {
  return {
    kind: 'trial',
    id: `8.${from.name}-at-${at.name}`,
    title: `Aim from ${from.name} at ${at.name}`,
    section,
    on: from.name,
    after,
    changes: [
      command(['killall', 'fence_xvmd'], { why: 'on dom0: killall fence_xvmd' }),
      command(['fence_xvmd', '-fdddd'], { why: `on dom0: fence_xvmd -fdddd  (its output goes to ${log})` }),
      command(test(lab, at), { why: `${test(lab, at).join(' ')}  (proves the path; fences nobody)` }),
      command(['fence_xvmd'], { why: 'on dom0: Control-C, and fence_xvmd in the background again' }),
    ],
    basis: (look) => basisOf(look, lab, from, at),
    async run(host) {
      const dom0 = host('dom0');
      try {
        const trouble = await startForeground(dom0, lab);
        if (trouble) return trouble;
        const tried = await host(from.name).run(test(lab, at), { timeout: 120_000 });
        const daemon = await logged(dom0);
        const output = `${tried.stdout}${tried.stderr}`;
        const transcript = [
          `[root@${from.name} ~]# ${tried.argv.join(' ')}`,
          ...output.trimEnd().split('\n'),
          `(exit code ${tried.code})`,
          `[root@dom0 ~]# fence_xvmd -fdddd`,
          ...daemon,
        ];
        const client = judgeNullTest(output, tried.code);
        const server = judgeXvmdLog(daemon, at.name);
        const verdict = client.passed ? server : { ...client, layer: client.layer ?? 'answer' };
        if (verdict.passed)
          return { passed: true, says: `${from.name} reaches ${at.name} through dom0: ${client.says}`, transcript };
        return {
          passed: false,
          layer: verdict.layer,
          says: verdict.says,
          hint: hintFor(verdict.layer, lab),
          transcript,
        };
      } finally {
        await background(dom0, lab);
      }
    },
  };
}

/** The daemon in the foreground, ready when it has printed its table of domains. @returns why it is not */
async function startForeground(dom0: Host, lab: Lab): Promise<Evidence | undefined> {
  await stop(dom0, () => ['killall', 'fence_xvmd']);
  const argv = await daemonArgv(dom0, lab, '-fdddd');
  // No word of it needs quotes: lab.yaml takes no path, bridge or address that would (spec/values.ts).
  const line = `nohup ${argv.join(' ')} > ${log} 2>&1 < /dev/null & echo $!`;
  await mustRun(dom0, ['sh', '-c', line], { outlives: true });
  const ready = await until(async () => {
    const [pid, said] = await Promise.all([daemonPid(dom0), logged(dom0)]);
    return pid === undefined || said.some((text) => /^\S+\s+[0-9a-f]{8}-[0-9a-f-]{27}\s/.test(text));
  });
  const [pid, said] = await Promise.all([daemonPid(dom0), logged(dom0)]);
  if (ready && pid !== undefined) return undefined;
  return {
    passed: false,
    layer: 'fence_xvmd',
    says: pid === undefined ? 'fence_xvmd ended at once' : 'fence_xvmd runs, and shows no table of domains',
    hint: 'on dom0: is the key there, and is cman quorate? cman_tool status; try: fence_xvmd -fdddd',
    transcript: ['[root@dom0 ~]# fence_xvmd -fdddd', ...said],
  };
}

/** "Press Control-C and run fence_xvmd": also after a failure. */
async function background(dom0: Host, lab: Lab): Promise<void> {
  await stop(dom0, (pid) => ['kill', '-INT', pid]);
  await mustRun(dom0, await daemonArgv(dom0, lab), { outlives: true });
}

/** Ends the daemon that runs, if one does. @throws CommandFailed if it runs on: a second one could not listen */
async function stop(dom0: Host, by: (pid: string) => Argv): Promise<void> {
  const pid = await daemonPid(dom0);
  if (pid === undefined) return;
  const { argv, code, stderr } = await dom0.run(by(pid));
  const gone = async () => (await daemonPid(dom0)) !== pid;
  if (code === 0 ? await until(gone) : await gone()) return;
  throw new CommandFailed({ host: dom0.name, argv, code, stderr });
}

async function logged(dom0: Host): Promise<readonly string[]> {
  const { code, stdout } = await dom0.read(['tail', '-n', '60', log]);
  return code === 0 ? stdout.trimEnd().split('\n') : [];
}

/** Looks again and again, half a minute at most: these are moments, unless something is broken. */
async function until(holds: () => Promise<boolean>): Promise<boolean> {
  for (
    const end = performance.now() + 30_000;
    performance.now() < end;
    await new Promise((wake) => setTimeout(wake, 100))
  )
    if (await holds()) return true;
  return false;
}

function hintFor(layer: string, { fencing, network }: Lab): string {
  if (layer === 'challenge' || layer === 'key in the guest')
    return `"This test will not work [if] fence_xvm.key is not exactly the same on the domUs and dom0": compare sha256sum ${fencing.key}`;
  if (layer === 'call back to the guest') return `look at the guest's firewall: TCP ${fencing.port} must be open`;
  return `on dom0: is UDP ${fencing.port} open, and is the guest's vif on ${network.bridge}? brctl show`;
}

/** All that the result depends on. A key is in it as a digest of its digest. */
async function basisOf(look: Look, lab: Lab, from: Guest, at: Guest): Promise<string> {
  const dom0 = look.on('dom0');
  const found = await Promise.all([
    dom0.digest(lab.fencing.key),
    dom0.digest('/etc/sysconfig/cman'),
    dom0.digest('/etc/cluster/cluster.conf'),
    look.on(from.name).digest(lab.fencing.key),
  ]);
  const basis = [lab.fencing, lab.network.bridge, lab.dom0Cluster, from.mac, from.address, at.name, at.uuid, ...found];
  return createHash('sha256').update(JSON.stringify(basis)).digest('hex');
}
