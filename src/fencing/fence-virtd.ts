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
import { virtdOf } from './virtd.ts';
import { fenceXvm, virtdTrial } from './virtd-trial.ts';

const section = 'Setting up the cluster 4';

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
    const { unit, conf, unitFile } = virtdOf(lab);
    const paths = [conf, unitFile];
    const texts = await Promise.all(paths.map((path) => host.readFile(path)));
    const own = paths.filter((_, n) => textOf(texts[n])?.startsWith(markLine(lab.name)));
    if (own.length === 0) return [];
    return [
      command(['systemctl', 'stop', unit]),
      ...own.map((path) => command(['rm', '-f', path], { destroys: path })),
      command(['systemctl', 'daemon-reload']),
    ];
  },
};

/**
 * Only this lab's guests may ask, and only for one another: libvirt would let them fence every guest of dom0. Dom0 itself, which
 * asks for the list, comes from 127.0.0.1 (measured), or from its address on the bridge.
 */
function confOf({ name, fencing, guests, network }: Lab): string {
  return fenceVirtConf({
    ...fencing,
    bridge: network.bridge,
    uri: 'xen:///system',
    group: {
      name,
      from: ['127.0.0.1', network.dom0Address, ...guests.map(({ address }) => address)],
      targets: guests.flatMap((guest) => [guest.name, guest.uuid]),
    },
  });
}

function daemon(lab: Lab, after: readonly Node[], defined: readonly Node[]): readonly Node[] {
  const virtd = virtdOf(lab);
  const configured = fileContent(
    { id: '7.configuration', title: `Write ${virtd.conf}`, section, on: 'dom0', after },
    {
      path: virtd.conf,
      mode: 0o600,
      text: `${markLine(lab.name)}\n${confOf(lab)}`,
    },
  );
  const unit: Step = {
    kind: 'step',
    id: '7.unit',
    title: `Let ${virtd.unit} log its requests`,
    section,
    on: 'dom0',
    after,
    async check(look) {
      const [missing, unit] = await Promise.all([
        missingFile(look, virtd.unitFile, 0o644, `${markLine(lab.name)}\n${virtd.unitText}`),
        unitState(look.host, virtd.unit),
      ]);
      const reload = missing.length > 0 || unit.reload;
      return reload ? [...missing, command(['systemctl', 'daemon-reload'])] : [];
    },
  };
  const running = service(
    { id: '7.service', title: `Start ${virtd.unit}`, section, on: 'dom0', after: [configured, unit] },
    {
      unit: virtd.unit,
      running: true,
      staleAfter: [virtd.conf, virtd.unitFile, lab.fencing.key],
      settle: { within: 30_000, hint: `look at: journalctl -u ${virtd.unit}` },
    },
  );
  const listed = awaited(
    { id: '7.list', title: 'See all guests with fence_xvm -o list', section, on: 'dom0', after: [running, ...defined] },
    { within: 60_000, hint: `on dom0: virsh -c xen:///system list --all; journalctl -u ${virtd.unit}` },
    async ({ host }) => {
      // Without the daemon it would wait for half a minute.
      if ((await unitState(host, virtd.unit)).active !== 'active') return `${virtd.unit} does not run`;
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
