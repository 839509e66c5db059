import { fenceVirtConf } from '../formats/fence-virt-conf.ts';
import { readFenceList } from '../formats/fence-xvm.ts';
import { command } from '../model/change.ts';
import type { Look, Node, Step } from '../model/step.ts';
import type { Lab } from '../spec/lab.ts';
import { fileContent, missingFile, textOf } from '../steps/file-content.ts';
import { markLine } from '../steps/marks.ts';
import { awaited } from '../steps/requirement.ts';
import { service, unitState } from '../steps/service.ts';
import type { FencingHost } from './fencing-host.ts';
import { fenceVirtConfPath, fenceXvm, virtdTrial } from './virtd-trial.ts';

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

/** Today's: fence_virtd, which asks libvirt. */
export const fenceVirtd: FencingHost = {
  packages: ['fence-virt', 'fence-virtd'],
  steps: daemon,

  trials: (lab, after) =>
    lab.guests.map((from, n) => {
      const at = lab.guests[(n + 1) % lab.guests.length] ?? from;
      return virtdTrial(
        {
          id: `8.${from.name}-at-${at.name}`,
          title: `Aim from ${from.name} at ${at.name}`,
          section,
          on: from.name,
          after,
        },
        lab,
        from,
        at,
      );
    }),

  /** It stops with its lab: its configuration is removed only if lab wrote it for this one. */
  async forget({ host }: Look, lab: Lab) {
    const paths = [fenceVirtConfPath, fenceVirtdDropIn];
    const texts = await Promise.all(paths.map((path) => host.readFile(path)));
    const own = paths.filter((_, n) => textOf(texts[n])?.startsWith(markLine(lab.name)));
    if (own.length === 0) return [];
    return [
      command(['systemctl', 'stop', 'fence_virtd']),
      ...own.map((path) => command(['rm', '-f', path], { destroys: path })),
      command(['systemctl', 'daemon-reload']),
    ];
  },
};

function daemon(lab: Lab, after: readonly Node[], defined: readonly Node[]): readonly Node[] {
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
      const [missing, unit] = await Promise.all([
        missingFile(look, fenceVirtdDropIn, 0o644, `${markLine(lab.name)}\n${foreground}`),
        unitState(look.host, 'fence_virtd'),
      ]);
      const reload = missing.length > 0 || unit.reload;
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
      if ((await unitState(host, 'fence_virtd')).active !== 'active') return 'fence_virtd does not run';
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
  return [configured, unit, running, listed];
}
