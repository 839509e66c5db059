import { fenceVirtConf } from '../src/formats/fence-virt-conf.ts';
import { readFenceList } from '../src/formats/fence-xvm.ts';
import { command } from '../src/model/change.ts';
import type { Chapter, Node, Step } from '../src/model/step.ts';
import type { Lab } from '../src/spec/lab.ts';
import { fenceVirtConfPath, fenceXvm } from '../src/steps/fencing-trial.ts';
import { fileContent, missingFile } from '../src/steps/file-content.ts';
import { markLine } from '../src/steps/marks.ts';
import { awaited } from '../src/steps/requirement.ts';
import { service } from '../src/steps/service.ts';

const section = 'Setting up the cluster 4';
/** Where the unit of fence_virtd is changed: systemd.unit(5), drop-in. */
export const fenceVirtdDropIn = '/etc/systemd/system/fence_virtd.service.d/cluster-lab.conf';

/**
 * fence_virtd tells about requests and mismatched keys with plain printf, in the foreground only: so it runs there, and its
 * words go to the journal line by line.
 */
const foreground = `[Service]
Type=simple
ExecStart=
ExecStart=/usr/bin/stdbuf -oL /usr/sbin/fence_virtd -F -d2
`;

/** The daemon on dom0 that powers guests off when another guest asks with the right key. */
export function theFencingHost(lab: Lab, after: readonly Node[], defined: readonly Node[]): Chapter {
  const configured = fileContent(
    { id: '7.configuration', title: `Write ${fenceVirtConfPath}`, section, on: 'dom0', after },
    {
      path: fenceVirtConfPath,
      mode: 0o600,
      text: `${markLine(lab.name)}\n${fenceVirtConf({ ...lab.fencing, bridge: lab.network.bridge, uri: 'xen:///system' })}`,
    },
  );
  const unit: Step = {
    kind: 'step',
    id: '7.unit',
    title: 'Let fence_virtd log its requests',
    section,
    on: 'dom0',
    after,
    async check(look) {
      const [missing, show] = await Promise.all([
        missingFile(look, fenceVirtdDropIn, 0o644, `${markLine(lab.name)}\n${foreground}`),
        look.host.read(['systemctl', 'show', '-p', 'NeedDaemonReload', 'fence_virtd']),
      ]);
      const reload = missing.length > 0 || show.stdout.trim() === 'NeedDaemonReload=yes';
      return reload ? [...missing, command(['systemctl', 'daemon-reload'])] : [];
    },
  };
  const running = service(
    { id: '7.service', title: 'Start fence_virtd', section, on: 'dom0', after: [configured, unit] },
    {
      unit: 'fence_virtd',
      running: true,
      staleAfter: [fenceVirtConfPath, fenceVirtdDropIn, lab.fencing.key],
      settle: { within: 30_000, hint: 'look at: journalctl -u fence_virtd' },
    },
  );
  const listed = awaited(
    { id: '7.list', title: 'See all guests with fence_xvm -o list', section, on: 'dom0', after: [running, ...defined] },
    { within: 60_000, hint: 'on dom0: virsh -c xen:///system list --all; journalctl -u fence_virtd' },
    async ({ host }) => {
      // Without the daemon it would wait for half a minute.
      const active = await host.read(['systemctl', 'is-active', 'fence_virtd']);
      if (active.stdout.trim() !== 'active') return 'fence_virtd does not run';
      const { code, stdout, stderr } = await host.read(fenceXvm(lab, '-o', 'list'));
      const seen = readFenceList(stdout);
      const unseen = lab.guests.filter(
        (guest) => !seen.some(({ name, uuid }) => name === guest.name && uuid === guest.uuid),
      );
      if (unseen.length === 0) return undefined;
      return code === 0
        ? `the list lacks ${unseen.map(({ name }) => name).join(', ')}`
        : `fence_xvm -o list: ${(stderr || stdout).trim()}`;
    },
  );
  return { id: '7', title: 'The fencing host', nodes: [configured, unit, running, listed] };
}
