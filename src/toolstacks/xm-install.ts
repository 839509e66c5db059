import { readXmLong } from '../formats/xm.ts';
import { command } from '../model/change.ts';
import { Foreign } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Step } from '../model/step.ts';
import { rootOffset } from '../steps/image-root.ts';
import { markOn, marker } from '../steps/marks.ts';
import { awaited } from '../steps/requirement.ts';
import type { Toolstack } from './toolstack.ts';
import { xmState } from './xm-list.ts';

const name = 'Default';

/** MiB, and what the installer is given to think about: the document's. */
const memory = '256';

/**
 * "Install the default image": virt-install(1) of 2007 with the document's answers as options. It starts the installer and
 * returns; the domain ends when the installer is done. An image in which no root file system is found after that is not
 * finished, and stays as evidence.
 */
export const xmInstall: Toolstack['install'] = ({ name: lab, image, network }, { location, extraArgs }, placed) => {
  const finished = `${image.path}.installed`;
  const started: Step = {
    kind: 'step',
    ...placed,
    async check({ host }) {
      const [done, disk, running] = await Promise.all([
        host.stat(finished),
        host.stat(image.path),
        xmState(host, name),
      ]);
      if (running !== undefined) await foreignInstaller(host, image.uuid);
      if (done || running !== undefined || (disk?.allocated ?? 0) > 0) return [];
      return [
        command([
          ...(['virt-install', '--paravirt', '--name', name, '--ram', memory, '--file', image.path] as const),
          ...[
            '--uuid',
            image.uuid,
            '--bridge',
            network.bridge,
            '--mac',
            network.mac,
            '--nographics',
            '--noautoconsole',
          ],
          ...['--location', location, ...(extraArgs.length > 0 ? ['--extra-args', extraArgs.join(' ')] : [])],
        ]),
      ];
    },
  };
  const ended = awaited(
    { ...placed, id: `${placed.id}-ended`, title: 'Wait for the installer to end', after: [started] },
    { within: 7_200_000, hint: `watch it on dom0: xm console ${name}` },
    async ({ host }) => {
      const [done, disk, running] = await Promise.all([
        host.stat(finished),
        host.stat(image.path),
        xmState(host, name),
      ]);
      if (done) return undefined;
      if (running !== undefined) return `the installer runs (xm console ${name})`;
      return (disk?.allocated ?? 0) > 0 ? undefined : 'nothing was installed yet';
    },
  );
  const whole: Step = {
    ...placed,
    kind: 'step',
    id: `${placed.id}-finished`,
    title: 'See that the image can boot',
    after: [ended],
    async check({ host }) {
      const [done, disk, owner, running] = await Promise.all([
        markOn(host, finished),
        host.stat(image.path),
        markOn(host, image.path),
        xmState(host, name),
      ]);
      if (done === lab) return [];
      if (disk !== undefined && owner !== lab)
        throw new Foreign(`${image.path} is not this lab's`, 'image: {install: none} in lab.yaml uses it as it is');
      if (running === undefined && (disk?.allocated ?? 0) > 0) await rootOffset(host, image.path);
      return marker(finished, lab);
    },
  };
  return [started, ended, whole];
};

/** @throws Foreign for a domain of the installer's name that was started by somebody else: it has not our uuid */
async function foreignInstaller(host: Reader, uuid: string): Promise<void> {
  const { stdout } = await host.read(['xm', 'list', '--long']);
  const found = readXmLong(stdout).find((domain) => domain.name === name);
  if (found && found.uuid !== uuid)
    throw new Foreign(
      `there is a domain ${name} that lab did not start: the installer's domain has that name`,
      `wait until it is gone, or rename it: xm rename ${name} OTHER`,
    );
}

/** For `lab destroy`. */
export const xmAbandon: Toolstack['abandon'] = ({ image }, after) => ({
  kind: 'step',
  id: 'destroy.installer',
  title: 'End an installation that is under way',
  section: '',
  on: 'dom0',
  after,
  async check({ host }) {
    const { stdout } = await host.read(['xm', 'list', '--long']);
    const own = readXmLong(stdout).some((domain) => domain.name === name && domain.uuid === image.uuid);
    return own ? [command(['xm', 'destroy', name], { destroys: 'the installation under way' })] : [];
  },
});
