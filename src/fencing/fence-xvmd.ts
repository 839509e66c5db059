import { clusterConf, readClusterConf } from '../formats/cluster-conf.ts';
import { failedStage } from '../formats/init-stages.ts';
import { editShellVars } from '../formats/shell-vars.ts';
import { type Change, command, file } from '../model/change.ts';
import { Refused } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Node, Step } from '../model/step.ts';
import type { Lab } from '../spec/lab.ts';
import { textOf } from '../steps/file-content.ts';
import { markLine } from '../steps/marks.ts';
import type { FencingHost } from './fencing-host.ts';
import { daemonArgv, optionsFor, standalone } from './xvmd-options.ts';
import { daemonPid, isForeground } from './xvmd-process.ts';
import { xvmdTrials } from './xvmd-trial.ts';

const section = 'Setting up the cluster 4';
const confPath = '/etc/cluster/cluster.conf';
const sysconfig = '/etc/sysconfig/cman';

/** The document's: fence_xvmd, which asks xend, and waits for a quorate cluster of dom0's own: a cluster of one. */
export const fenceXvmd: FencingHost = {
  packages: ['cman'],
  steps: (lab, after) => (lab.dom0Cluster === 'none' ? alone(lab, after) : clusterOfOne(lab, after)),
  trials: xvmdTrials,

  async forget({ host }, lab) {
    const text = textOf(await host.readFile(confPath));
    const running = (await host.read(['pidof', 'fence_xvmd'])).code === 0;
    if (lab.dom0Cluster === 'none') return running ? [command(['killall', 'fence_xvmd'])] : [];
    if (!text?.includes(commentMark(lab))) return [];
    return [command(['service', 'cman', 'stop']), command(['rm', '-f', confPath], { destroys: confPath })];
  },
};

/** "Until 5.2 is out, if you wish to use fence_xvmd, you must create a cluster of one": configuration, options, start. */
function clusterOfOne(lab: Lab, after: readonly Node[]): readonly Node[] {
  const configured: Step = {
    kind: 'step',
    id: '7.configuration',
    title: `Write ${confPath}, a cluster of one`,
    section: 'Before you Begin',
    on: 'dom0',
    after,
    check: ({ host }) => missingConf(host, lab),
  };
  const options: Step = {
    kind: 'step',
    id: '7.options',
    title: `Tell fence_xvmd its options in ${sysconfig}`,
    section,
    on: 'dom0',
    after,
    async check({ host }) {
      const [bytes, wanted] = await Promise.all([host.readFile(sysconfig), optionsFor(host, lab)]);
      const before = textOf(bytes) ?? '';
      const text = editShellVars(before, { FENCE_XVMD_OPTS: wanted.join(' ') || undefined });
      return text === before ? [] : [file(sysconfig, 0o644, text, bytes)];
    },
  };
  const started: Step = {
    kind: 'step',
    id: '7.service',
    title: 'Start the cluster software on dom0',
    section,
    on: 'dom0',
    after: [configured, options],
    settle: { within: 120_000, hint: 'on dom0: cman_tool status; service cman status; tail /var/log/messages' },
    async check({ host }) {
      // The lock file is made when all stages are done, the fencing host's among them.
      const [status, lock] = await Promise.all([
        host.read(['cman_tool', 'status']),
        host.stat('/var/lock/subsys/cman'),
      ]);
      return status.code === 0 && lock ? [] : [startCman];
    },
  };
  return [configured, options, started, listening(lab, [started])];
}

/** cman's init script says by its stages how far it came. */
const startCman: Change = command(['service', 'cman', 'start'], { timeout: 300_000, explain: failedStage });

/** Without a cluster: `fence_xvmd -LX`, where the version has that. */
function alone(lab: Lab, after: readonly Node[]): readonly Node[] {
  const able: Step = {
    kind: 'step',
    id: '7.version',
    title: 'See that fence_xvmd can do without a cluster',
    section: 'Before you Begin',
    on: 'dom0',
    after,
    async check({ host }) {
      await standalone(host);
      return [];
    },
  };
  return [able, listening(lab, [able])];
}

/** It runs in the background. One in the foreground was left by a fencing test that was killed. */
function listening(lab: Lab, after: readonly Node[]): Step {
  return {
    kind: 'step',
    id: '7.listening',
    title: 'Run fence_xvmd in the background',
    section: 'Setting up the cluster 5',
    on: 'dom0',
    after,
    settle: { within: 30_000, hint: `is ${lab.fencing.key} there on dom0? try: fence_xvmd -fdddd` },
    async check(look) {
      const { host } = look;
      const pid = await daemonPid(host);
      if (pid === undefined) return [command(await daemonArgv(host, lab))];
      if (!(await isForeground(host, pid))) return [];
      return [command(['kill', '-INT', pid]), command(await daemonArgv(host, lab))];
    },
  };
}

/** Whose it is, as an XML comment, in which no two hyphens may follow each other. */
const commentMark = ({ name }: Lab) => markLine(name).replace(/^# /, '').replaceAll('--', '- -');

/** @throws Refused for a cluster.conf of somebody else */
async function missingConf(host: Reader, lab: Lab): Promise<readonly Change[]> {
  if (lab.dom0Cluster === 'none') return [];
  const [bytes, uname] = await Promise.all([host.readFile(confPath), host.read(['uname', '-n'])]);
  const text = textOf(bytes);
  const hostname = uname.stdout.trim();
  const { name, node = hostname } = lab.dom0Cluster;
  if (node !== hostname) {
    throw new Refused(
      `dom0 calls itself ${hostname} (uname -n), and dom0Cluster.node in lab.yaml says ${node}: cman finds its node by that name`,
      `set dom0Cluster.node to ${hostname}`,
    );
  }
  const mark = commentMark(lab);
  if (text !== undefined && !text.includes(mark)) {
    throw new Refused(
      `dom0 has a ${confPath} that lab did not write`,
      'keep that cluster and start fence_xvmd without one: dom0Cluster: none in lab.yaml; or move the file away',
    );
  }
  const version = text === undefined ? 1 : readClusterConf(text, confPath).version;
  const conf = (at: number) =>
    clusterConf({ name, version: at, nodes: [{ name: node, id: 1 }], fenceXvmd: true, comment: mark });
  if (text === conf(version)) return [];
  return [file(confPath, 0o640, conf(text === undefined ? 1 : version + 1), bytes)];
}
