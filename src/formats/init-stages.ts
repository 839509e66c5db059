import type { Ran } from '../model/host.ts';

/** A stage of cman's init script: `   Starting cman... [  OK  ]`. */
export interface InitStage {
  /** Without the dots: "Starting cman". */
  readonly title: string;
  readonly ok: boolean;
  /** What was printed between its title and its end; 2.x prints it behind the end. */
  readonly said?: string;
}

/** Red Hat's functions colour `[  OK  ]` and move the cursor to a column for it, whoever reads. */
// eslint-disable-next-line no-control-regex
const TERMINAL = /\u001b\[[0-9;]*[A-Za-z]/g;
const TITLE = /^\s{2,}(\S.*?)\.\.\.\s*(.*)$/;
/** 2.x: `done`, `failed`; 3.x: `[  OK  ]`, `[FAILED]`; with INITLOGLEVEL=full also `action not required`. */
const END = /(?:^|\s)(?:(done|action not required|\[\s*(?:OK|PASSED|WARNING)\s*\])|failed|\[\s*FAILED\s*\])\s*$/;

/**
 * The stages that `service cman start` or `stop` went through, by its output (facts: cman.md; cman/init.d/cman.in). A stage
 * that did not end is not ok. 3.x stops what it started after a failure: those stages are left out.
 */
export function readStages(stdout: string): readonly InitStage[] {
  const stages: { title: string; ok: boolean | undefined; said: string[] }[] = [];
  for (const line of stdout.replace(TERMINAL, ' ').split(/[\r\n]+/)) {
    if (/^Stopping cluster:/.test(line) && stages.length > 0) break;
    const [, title, behind = ''] = TITLE.exec(line) ?? [];
    if (title !== undefined) stages.push({ title, ok: undefined, said: [] });
    const stage = stages.at(-1);
    if (!stage) continue;
    const rest = title === undefined ? line : behind;
    const end = END.exec(rest);
    // The [FAILED] or [  OK  ] of the whole start stands on a line of its own, and ends no stage of 2.x a second time.
    if (end && stage.ok === undefined) stage.ok = end[1] !== undefined;
    stage.said.push((end ? rest.slice(0, end.index) : rest).replace(/\p{Cc}/gu, ' ').trim());
  }
  return stages.map(({ title, ok = false, said }) => {
    const words = said.filter(Boolean).join('\n');
    return words === '' ? { title, ok } : { title, ok, said: words };
  });
}

interface Cause {
  /** Title of the stage. */
  readonly stage: RegExp;
  /** What it said; not given: whatever. */
  readonly said?: RegExp;
  /** Ends with what to do. */
  readonly cause: string;
}

/** The more special ones first. The words are those of the init scripts, of cman_tool and of cman/daemon/cman-preconfig.c. */
const CAUSES: readonly Cause[] = [
  {
    stage: /network ?manager/i,
    cause:
      'NetworkManager runs or is enabled, and cman 3 does not start beside it: service NetworkManager stop; chkconfig NetworkManager off',
  },
  {
    stage: /./,
    said: /already (?:be )?running|stale|(?:lock|pid) ?file/i,
    cause:
      'an earlier run left a daemon, a lock or a pid file: service cman stop; killall corosync aisexec; rm -f /var/lock/subsys/cman /var/run/cman.pid',
  },
  {
    stage: /./,
    said: /timed[- ]out waiting for cluster/i,
    cause:
      'the other nodes are not started, or cannot be reached, and this one alone has no quorum: start cman on all within the same minute; for two nodes write two_node="1" expected_votes="1" into cluster.conf',
  },
  {
    stage: /waiting for quorum/i,
    cause:
      'the other nodes are not started, or cannot be reached: start cman on all within the same minute; for two nodes write two_node="1" expected_votes="1" into cluster.conf',
  },
  {
    stage: /starting (?:ccsd|cman)$/i,
    said: /address family of nodename/i,
    cause: 'the name that `uname -n` says has no address: write it into /etc/hosts on all nodes',
  },
  {
    stage: /starting (?:ccsd|cman)$/i,
    said: /node ?name/i,
    cause:
      'the name that `uname -n` says is no clusternode of cluster.conf: make them the same (HOSTNAME= in /etc/sysconfig/network, then hostname NAME)',
  },
  {
    stage: /starting (?:ccsd|cman)$/i,
    cause:
      'there is no /etc/cluster/cluster.conf, or none that can be used, or what `uname -n` says is no clusternode of it: see that the file is there and compare it with uname -n',
  },
  {
    stage: /starting qdiskd/i,
    cause:
      'no disk has the label that <quorumd> in cluster.conf names, or mkqdisk did not finish: compare them with mkqdisk -L',
  },
  {
    stage: /loading (?:kernel )?modules|configfs/i,
    cause:
      "the running kernel has no dlm or gfs module: install the modules of the kernel that `uname -r` says (kmod-gfs-xen in the document's day), or boot a kernel that has them",
  },
  {
    stage: /starting fenc(?:ing|ed)$|joining fence domain/i,
    cause:
      'the other nodes did not come within post_join_delay and are being fenced, or a fence device does not work: run the fencing test, then start cman on all nodes within the same minute',
  },
  {
    stage: /virtual machine fencing host/i,
    cause:
      'fence_xvmd has no key, or does not know one of its options: see that /etc/cluster/fence_xvm.key is there, and compare FENCE_XVMD_OPTS in /etc/sysconfig/cman with fence_xvmd -h',
  },
];

/** What usually makes a stage fail, and what to do then. */
export function usualCause(title: string, said = ''): string | undefined {
  return CAUSES.find((one) => one.stage.test(title) && (one.said?.test(said) ?? true))?.cause;
}

/** The stage at which a start or stop failed, what it said, and the usual cause; undefined if none failed. */
export function failedStage({ stdout }: Pick<Ran, 'stdout'>): string | undefined {
  const stage = readStages(stdout).find(({ ok }) => !ok);
  if (!stage) return undefined;
  const { title, said } = stage;
  const cause = usualCause(title, said);
  return [`it failed at: ${title}${said ? ` (${said.replaceAll('\n', '; ')})` : ''}`, ...(cause ? [cause] : [])].join(
    '\n',
  );
}
