import { fenceVirtConf } from '../formats/fence-virt-conf.ts';
import { readFenceList } from '../formats/fence-xvm.ts';
import { markLine, readMark, sealed } from '../formats/seal.ts';
import { command, file } from '../model/change.ts';
import type { Look, Node, Step } from '../model/step.ts';
import type { Lab } from '../spec/lab.ts';
import { textOf } from '../steps/file-content.ts';
import { missingOwnFile, ownFile, withoutOwnFile } from '../steps/own-file.ts';
import { fromPackage } from '../steps/packages.ts';
import { awaited } from '../steps/requirement.ts';
import { service, unitState } from '../steps/service.ts';
import type { FencingHost } from './fencing-host.ts';
import { virtdOf } from './virtd.ts';
import { fenceXvm, virtdTrial } from './virtd-trial.ts';

const section = 'Setting up the cluster 4';

/** What the service was before lab came stands in the drop-in, and goes with it. */
const wasLine = (unit: string, was: string) => `# ${unit} was ${was} before.\n`;

/** As the file that is there says, else as it is now. */
const wasBefore = (dropIn: string | undefined, active: string) =>
  /^# \S+ was (active|inactive) before\.$/m.exec(dropIn ?? '')?.[1] ??
  (['active', 'activating'].includes(active) ? 'active' : 'inactive');

/** Today's: fence_virtd, which asks libvirt. */
export const fenceVirtd: FencingHost = {
  packages: ['fence-virt', 'fence-virtd'],
  files: (lab) => [virtdOf(lab).conf, virtdOf(lab).unitFile],
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
    const { unit, conf, unitFile } = virtdOf(lab);
    const [own, { active }, removed, confs] = await Promise.all([
      host.readFile(unitFile),
      unitState(host, unit),
      withoutOwnFile(host, lab.name, unitFile),
      withoutOwnFile(host, lab.name, conf),
    ]);
    const text = textOf(own) ?? '';
    if (confs.length + removed.length === 0) return [];
    const reload = command(['systemctl', 'daemon-reload']);
    const ran = readMark(text)?.lab === lab.name && wasBefore(text, active) === 'active';
    const note = sealed(`${markLine(lab.name)}\n${wasLine(unit, 'active')}`);
    return [
      ...(['inactive', 'failed', ''].includes(active) ? [] : [command(['systemctl', 'stop', unit])]),
      ...confs,
      // The drop-in goes last, since it says what the service was; it must not change the service any more.
      ...(ran ? [file(unitFile, 0o644, note, own), reload, command(['systemctl', 'start', unit])] : []),
      ...removed,
      reload,
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
  const configured = ownFile({ id: '7.configuration', title: `Write ${virtd.conf}`, section, on: 'dom0', after }, lab, {
    path: virtd.conf,
    mode: 0o600,
    // Debian's own, for qemu:///system, fits no Xen.
    stock: (host, bytes) => fromPackage(host, { name: 'fence-virtd', path: virtd.conf }, bytes),
    text: `${markLine(lab.name)}\n${confOf(lab)}`,
  });
  const unit: Step = {
    kind: 'step',
    id: '7.unit',
    title: `Let ${virtd.unit} log its requests`,
    section,
    on: 'dom0',
    after,
    // Should systemd have had it in memory for another reason, it says so after the file was written.
    settle: { within: 30_000, repeats: 1, hint: `look at: systemctl show ${virtd.unit}` },
    async check(look) {
      // Digest and stat are for missingOwnFile: they travel with the others.
      const { host } = look;
      const file = virtd.unitFile;
      const asked = [host.readFile(file), unitState(host, virtd.unit), host.digest(file), host.stat(file)] as const;
      const [own, unit] = await Promise.all(asked);
      const was = wasLine(virtd.unit, wasBefore(textOf(own), unit.active));
      const text = `${markLine(lab.name)}\n${was}${virtd.unitText}`;
      const missing = await missingOwnFile(look, lab, { path: virtd.unitFile, mode: 0o644, text });
      const reload = missing.length > 0 ? unit.inMemory : unit.reload;
      return reload ? [...missing, command(['systemctl', 'daemon-reload'])] : missing;
    },
  };
  const running = service(
    // The key is read at start as well: what comes `after` holds it, if it was made in this run.
    { id: '7.service', title: `Start ${virtd.unit}`, section, on: 'dom0', after: [...after, configured, unit] },
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
