import { NotYet } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Step } from '../model/step.ts';
import { fileContent, type Placed, textOf } from '../steps/file-content.ts';
import { type BuiltDom0, dom0Of } from './dom0-image.ts';
import type { SandboxPaths } from './paths.ts';
import { kvmWorks } from './qemu.ts';

/** `LAB_ACCEL=tcg`: emulate the CPU, whatever KVM can do. */
const tcgIsWanted = process.env.LAB_ACCEL === 'tcg';

/** Tries KVM, once in each boot of this machine, and writes down what came of it. */
export function acceleratorTried(placed: Placed, { paths, built }: { paths: SandboxPaths; built: BuiltDom0 }): Step {
  return fileContent(placed, {
    path: paths.accelerator,
    text: async ({ host }) => {
      const dom0 = await dom0Of(host, paths, built);
      const [file, image, boot] = await Promise.all([
        host.readFile(paths.accelerator),
        host.stat(dom0.disk),
        host.readFile('/proc/sys/kernel/random/boot_id'),
      ]);
      const tried = textOf(file);
      if (tcgIsWanted || tried?.endsWith(` ${textOf(boot)}`)) return tried ?? 'untried\n';
      if (!image) throw new NotYet('sandbox.dom0-image');
      return `${(await kvmWorks(host, dom0)) ? 'kvm' : 'tcg'} ${textOf(boot)}`;
    },
  });
}

/** Whether the sandbox runs on KVM: as it was tried, unless the user wants otherwise. */
export async function kvmIsUsed(local: Reader, paths: SandboxPaths): Promise<boolean> {
  return !tcgIsWanted && textOf(await local.readFile(paths.accelerator))?.startsWith('kvm ') === true;
}
