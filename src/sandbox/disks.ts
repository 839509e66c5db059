import { command, file } from '../model/change.ts';
import type { Step } from '../model/step.ts';
import type { Placed } from '../steps/file-content.ts';
import { type First, machineNow } from './first-boot.ts';

/** qcow2 over the cached images: a sandbox costs nothing until it writes, and can be saved. */
export function disksLaid(placed: Placed, { disk, ...first }: First & { readonly disk: string }): Step {
  const { paths } = first;
  const laid = (format: string, base: string, path: string) => [
    command(['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', format, '-b', base, `${path}.new`]),
    command(['mv', `${path}.new`, path]),
  ];
  return {
    kind: 'step',
    ...placed,
    async check({ host }) {
      const [dom0, guests] = await Promise.all([host.stat(paths.dom0Disk), host.stat(paths.guestsDisk)]);
      if (dom0 && guests) return [];
      const { saved } = await machineNow(host, first);
      return [
        ...(guests ? [] : laid('raw', disk, paths.guestsDisk)),
        ...(dom0
          ? []
          : [
              file(paths.image, 0o600, `${first.built.directory}\n`),
              file(paths.resume, 0o600, `${saved.state}\n`),
              ...laid('qcow2', saved.disk, paths.dom0Disk),
            ]),
      ];
    },
  };
}
