import { command } from '../model/change.ts';
import type { Step } from '../model/step.ts';
import { mark } from '../steps/marks.ts';
import { ownImage } from '../steps/installed-image.ts';
import type { Toolstack } from './toolstack.ts';
import { domainState, isAlive, virsh } from './virsh.ts';

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
      const [done, state] = await Promise.all([
        look.host.stat(finished),
        domainState(look.host, name),
        ownImage(look, lab),
      ]);
      if (done) return [];
      // Of an installation that was cut short: the image is ours, so the domain was.
      const stop = isAlive(state) ? [command(virsh('destroy', name))] : [];
      const forget = state === undefined ? [] : [command(virsh('undefine', name))];
      return [
        ...stop,
        ...forget,
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
        command(['touch', finished]),
        mark(finished, lab.name),
      ];
    },
  };
  return [step];
};
