import { readDomainXml } from '../formats/domain-xml.ts';
import { type Change, command } from '../model/change.ts';
import { Foreign } from '../model/errors.ts';
import type { Look, Step } from '../model/step.ts';
import { markOn, marker } from '../steps/marks.ts';
import { ownImage } from '../steps/installed-image.ts';
import type { Toolstack } from './toolstack.ts';
import { domainDefinition, domainState, isAlive, virsh } from './virsh.ts';

const name = 'Default';

/** Minutes for the installer, and milliseconds for the command: a little longer. */
const minutes = 120;
const limit = (minutes + 10) * 60_000;

/**
 * virt-install(1), unattended: the document answers its questions by hand. It waits until the installer powered its domain off;
 * the file that says so is made after that. What a failed installation left, image and log, stays for whoever looks.
 */
export const libvirtInstall: Toolstack['install'] = (lab, { location, extraArgs }, placed) => {
  const { path, bytes } = lab.image;
  const finished = `${path}.installed`;
  const step: Step = {
    kind: 'step',
    ...placed,
    async check(look) {
      const [done, left] = await Promise.all([markOn(look.host, finished), cutShort(look, path), ownImage(look, lab)]);
      if (done === lab.name) return [];
      return [
        ...left,
        command(
          [
            ...(['virt-install', '--connect', 'xen:///system', '--name', name, '--paravirt'] as const),
            ...[
              '--memory',
              '1024',
              '--vcpus',
              '1',
              '--disk',
              `path=${path},format=raw,size=${Math.ceil(bytes / 1024 ** 3)}`,
            ],
            ...['--network', `bridge=${lab.network.bridge}`, '--graphics', 'none', '--location', location],
            ...(extraArgs.length > 0 ? ['--extra-args', extraArgs.join(' ')] : []),
            ...['--noautoconsole', '--wait', String(minutes), '--noreboot'],
          ],
          { timeout: limit },
        ),
        command(virsh('undefine', name)),
        ...marker(finished, lab.name),
      ];
    },
  };
  return [step];
};

/**
 * Ends what is left of an installation that was cut short: a domain of the installer's name that has our image.
 * @throws Foreign for one that has not
 */
async function cutShort({ host }: Look, image: string): Promise<readonly Change[]> {
  const xml = await domainDefinition(host, name);
  if (xml === undefined) return [];
  if (!readDomainXml(xml).disks.some((disk) => disk.path === image))
    throw new Foreign(
      `there is a domain ${name} already, and it does not have ${image}: the installer's domain has that name`,
      'rename it (virsh domrename), or put an image there: image: {install: none} in lab.yaml',
    );
  const alive = isAlive(await domainState(host, name));
  return [...(alive ? [command(virsh('destroy', name))] : []), command(virsh('undefine', name))];
}

/** For `lab destroy`: only if the image is this lab's. */
export const libvirtAbandon: Toolstack['abandon'] = ({ name: lab, image: { path } }, after) => ({
  kind: 'step',
  id: 'destroy.installer',
  title: 'End an installation that is under way',
  section: '',
  on: 'dom0',
  after,
  async check(look) {
    if ((await markOn(look.host, path)) !== lab) return [];
    return cutShort(look, path).catch((error: unknown) => {
      if (error instanceof Foreign) return [];
      throw error;
    });
  },
});
