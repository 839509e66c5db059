import { fenceVirtConf } from '../formats/fence-virt-conf.ts';
import { readFenceList } from '../formats/fence-xvm.ts';
import { markLine, readMark, sealed } from '../formats/seal.ts';
import { command, file } from '../model/change.ts';
import type { Look, Node, Step } from '../model/step.ts';
import type { Lab } from '../spec/lab.ts';
import { textOf } from '../steps/file-content.ts';
import { missingOwnFile, ownFile, type Stock, withoutOwnFile } from '../steps/own-file.ts';
import { fromPackage } from '../steps/packages.ts';
import { awaited } from '../steps/requirement.ts';
import { service, unitState } from '../steps/service.ts';
import type { FencingHost } from './fencing-host.ts';
import { fenceVirtConfPath, fenceXvm, virtdTrial } from './virtd-trial.ts';

const section = 'Setting up the cluster 4';
/** Where the unit of fence_virtd is changed: systemd.unit(5), drop-in. */
export const fenceVirtdDropIn = '/etc/systemd/system/fence_virtd.service.d/cluster-lab.conf';

/**
 * fence_virtd tells about requests and mismatched keys with plain printf, in the foreground only: so it runs there, and its
 * words go to the journal line by line. What the service was before lab came stands here, where it goes with the file.
 */
const foreground = (was: string) => `${wasLine(was)}[Service]
Type=simple
ExecStart=
ExecStart=/usr/bin/stdbuf -oL /usr/sbin/fence_virtd -F -d2
`;

const wasLine = (was: string) => `# fence_virtd was ${was} before.\n`;

/** As the drop-in that is there says, else as it is now. */
const wasBefore = (dropIn: string | undefined, active: string) =>
  /^# fence_virtd was (active|inactive) before\.$/m.exec(dropIn ?? '')?.[1] ??
  (['active', 'activating'].includes(active) ? 'active' : 'inactive');

/** Debian's own configuration, for qemu:///system, fits no Xen. */
const stock: Stock = (host) => fromPackage(host, 'fence-virtd', fenceVirtConfPath);

/** Today's: fence_virtd, which asks libvirt. */
export const fenceVirtd: FencingHost = {
  packages: ['fence-virt', 'fence-virtd'],
  files: [fenceVirtConfPath, fenceVirtdDropIn],
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

  /** It stops with its lab, or goes on as it was before. */
  async forget({ host }: Look, lab: Lab) {
    const [dropIn, { active }, removed, ...confs] = await Promise.all([
      host.readFile(fenceVirtdDropIn),
      unitState(host, 'fence_virtd'),
      withoutOwnFile(host, lab.name, fenceVirtdDropIn),
      withoutOwnFile(host, lab.name, fenceVirtConfPath),
    ]);
    const text = textOf(dropIn) ?? '';
    const files = [...confs.flat(), ...removed];
    if (files.length === 0) return [];
    const reload = command(['systemctl', 'daemon-reload']);
    const ran = readMark(text)?.lab === lab.name && wasBefore(text, active) === 'active';
    const note = sealed(`${markLine(lab.name)}\n${wasLine('active')}`);
    return [
      ...(['inactive', 'failed', ''].includes(active) ? [] : [command(['systemctl', 'stop', 'fence_virtd'])]),
      ...confs.flat(),
      // The drop-in goes last, since it says what the service was; it must not change the service any more.
      ...(ran
        ? [file(fenceVirtdDropIn, 0o644, note, dropIn), reload, command(['systemctl', 'start', 'fence_virtd'])]
        : []),
      ...removed,
      reload,
    ];
  },
};

function daemon(lab: Lab, after: readonly Node[], defined: readonly Node[]): readonly Node[] {
  const configured = ownFile(
    { id: '7.configuration', title: `Write ${fenceVirtConfPath}`, section, on: 'dom0', after },
    lab,
    {
      path: fenceVirtConfPath,
      mode: 0o600,
      stock,
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
      const [dropIn, unit] = await Promise.all([
        look.host.readFile(fenceVirtdDropIn),
        unitState(look.host, 'fence_virtd'),
      ]);
      const text = `${markLine(lab.name)}\n${foreground(wasBefore(textOf(dropIn), unit.active))}`;
      const missing = await missingOwnFile(look, lab, { path: fenceVirtdDropIn, mode: 0o644, text });
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
