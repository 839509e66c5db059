import { clusterConf, readClusterConf } from '../formats/cluster-conf.ts';
import { failedStage } from '../formats/init-stages.ts';
import { editShellVars } from '../formats/shell-vars.ts';
import { markLine, markWords, readMark, sealed, unsealed } from '../formats/seal.ts';
import { type Change, command } from '../model/change.ts';
import { Foreign, Refused } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Look, Node, Step } from '../model/step.ts';
import type { Lab } from '../spec/lab.ts';
import { textOf } from '../steps/file-content.ts';
import { foreign } from '../steps/marks.ts';
import { keptBefore, missingOwnFile, withoutOwnFile } from '../steps/own-file.ts';
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
  files: () => [confPath, sysconfig],
  steps: (lab, after) => (lab.dom0Cluster === 'none' ? alone(lab, after) : clusterOfOne(lab, after)),
  trials: xvmdTrials,

  /** cman stops with its lab; one that ran on a configuration which was adopted starts again on that. */
  async forget({ host }, lab) {
    const [pid, conf, before, removed, options] = await Promise.all([
      ownDaemon(host, lab),
      host.readFile(confPath),
      host.stat(keptBefore(confPath)),
      withoutOwnFile(host, lab.name, confPath),
      withoutOwnFile(host, lab.name, sysconfig),
    ]);
    const alone = pid === undefined ? [] : [command(['kill', '-TERM', pid])];
    if (removed.length === 0) return [...alone, ...options];
    const ran = before !== undefined && textOf(conf)?.includes(ranBefore) === true;
    return [
      command(['service', 'cman', 'stop'], { timeout: 300_000 }),
      ...options,
      ...removed,
      ...(ran ? [startCman] : []),
    ];
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
    check: (look) => missingConf(look, lab),
  };
  const options: Step = {
    kind: 'step',
    id: '7.options',
    title: `Tell fence_xvmd its options in ${sysconfig}`,
    section,
    on: 'dom0',
    after,
    async check(look) {
      const [bytes, wanted] = await Promise.all([look.host.readFile(sysconfig), optionsFor(look.host, lab)]);
      const before = textOf(bytes);
      const text = editShellVars(unsealed(before ?? ''), { FENCE_XVMD_OPTS: wanted.join(' ') || undefined });
      if (text === unsealed(before ?? '')) return [];
      const marked = readMark(text)?.lab === lab.name ? text : `${markLine(lab.name)}\n${text}`;
      return missingOwnFile(look, lab, { path: sysconfig, mode: 0o644, text: marked });
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

/** In the mark of cluster.conf: cman ran on the configuration that was adopted. */
const ranBefore = 'cman ran before';

/** The daemon that runs without a cluster, if it is the one that this lab started: its arguments are its mark. */
async function ownDaemon(host: Reader, lab: Lab): Promise<string | undefined> {
  if (lab.dom0Cluster !== 'none') return undefined;
  const pid = await daemonPid(host);
  if (pid === undefined) return undefined;
  const [, ...wanted] = await daemonArgv(host, lab);
  const words = textOf(await host.readFile(`/proc/${pid}/cmdline`))?.split('\0') ?? [];
  return wanted.every((word) => words.includes(word)) ? pid : undefined;
}

/** @throws Foreign for a cluster.conf of somebody else */
async function missingConf(look: Look, lab: Lab): Promise<readonly Change[]> {
  const { host } = look;
  if (lab.dom0Cluster === 'none') return [];
  const [bytes, uname, status] = await Promise.all([
    host.readFile(confPath),
    host.read(['uname', '-n']),
    host.read(['cman_tool', 'status']),
  ]);
  const text = textOf(bytes);
  const hostname = uname.stdout.trim();
  const { name, node = hostname } = lab.dom0Cluster;
  if (node !== hostname) {
    throw new Refused(
      `dom0 calls itself ${hostname} (uname -n), and dom0Cluster.node in lab.yaml says ${node}: cman finds its node by that name`,
      `set dom0Cluster.node to ${hostname}`,
    );
  }
  const mark = text === undefined ? undefined : readMark(text);
  const ours = mark?.lab === lab.name;
  if (text !== undefined && !ours && !lab.adopt?.includes(confPath)) {
    const { message } = foreign(`dom0's ${confPath}`, mark?.lab, confPath);
    throw new Foreign(
      message,
      `keep that cluster and start fence_xvmd without one: dom0Cluster: none in lab.yaml; or take it over: lab up --adopt ${confPath}`,
    );
  }
  const ran = ours ? text?.includes(ranBefore) : text !== undefined && status.code === 0;
  const comment = `${markWords(lab.name)}${ran ? ` ${ranBefore}.` : ''}`;
  const conf = (version: number) =>
    clusterConf({ name, version, nodes: [{ name: node, id: 1 }], fenceXvmd: true, comment });
  const version = text === undefined ? 1 : readClusterConf(text, confPath).version;
  if (text !== undefined && unsealed(text) === conf(version)) return [];
  return missingOwnFile(look, lab, {
    path: confPath,
    mode: 0o640,
    text: sealed(conf(text === undefined ? 1 : version + 1)),
  });
}
