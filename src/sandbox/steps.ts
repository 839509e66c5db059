import { NotYet } from '../model/errors.ts';
import type { Chapter, Node } from '../model/step.ts';
import type { Lab } from '../spec/lab.ts';
import type { DebianImage } from '../steps/debian-image.ts';
import { directory } from '../steps/directory.ts';
import { fileContent, type Placed, textOf } from '../steps/file-content.ts';
import { sshKeyPair } from '../steps/keys.ts';
import { packages } from '../steps/packages.ts';
import { acceleratorTried } from './accelerator.ts';
import { disksLaid } from './disks.ts';
import { builtDom0, dom0Image, dom0ImageBuilt } from './dom0-image.ts';
import { type First, firstBoot, firstBootSaved } from './first-boot.ts';
import { builtGuestsDisk, guestsDiskBuilt } from './guests-disk.ts';
import { hostKeyAlias, sandboxPaths } from './paths.ts';
import { portChosen } from './port.ts';
import { seedPacked } from './seed.ts';
import { started } from './start.ts';

/** What the control machine needs. */
const tools = [
  'qemu-system-x86',
  'qemu-utils',
  'mmdebstrap',
  'debian-archive-keyring',
  'e2fsprogs',
  'xfsprogs',
  'openssh-client',
  'iproute2',
];

export interface Sandbox {
  readonly lab: Lab;
  /** Debian packages that the recipes need on dom0. */
  readonly dom0Packages: readonly string[];
  /** The default image, if lab installs it as Debian: it is built here, natively. */
  readonly guestImage: DebianImage | undefined;
}

/** A real Xen dom0 in a box, as steps on the machine that lab runs on. It comes before the chapters of the document. */
export function sandboxChapter({ lab, dom0Packages, guestImage }: Sandbox): Chapter {
  const paths = sandboxPaths(lab.name);
  const image = dom0Image(dom0Packages);
  const built = builtDom0(paths.cache, image);
  const disk = { image: guestImage, name: lab.image.path.split('/').at(-1) ?? '', size: lab.image.bytes };
  const place = (name: string, title: string, after: readonly Node[]): Placed => ({
    id: `sandbox.${name}`,
    title,
    section: '',
    on: 'local',
    after,
  });

  const installed = packages(place('packages', 'Install QEMU and what builds images', []), tools);
  const dom0 = dom0ImageBuilt(place('dom0-image', 'Build the image of dom0', [installed]), {
    image,
    cache: paths.cache,
    work: workDirectory(built.directory),
    paths,
  });
  const guests = guestsDiskBuilt(place('guests-disk', 'Build the default image', [installed]), {
    disk,
    cache: paths.cache,
    work: workDirectory(builtGuestsDisk(paths.cache, disk)),
    paths,
  });
  const state = directory(place('state', 'Make a private directory for the sandbox', [installed]), {
    path: paths.state,
    mode: 0o700,
  });
  const login = sshKeyPair(place('login-key', 'Make the key that lets lab into dom0', [state]), {
    path: paths.loginKey,
    comment: `lab sandbox ${lab.name}`,
    type: 'ed25519',
  });
  const hostKey = sshKeyPair(place('host-key', 'Make the ssh host key of dom0', [state]), {
    path: paths.hostKey,
    comment: 'dom0',
    type: 'ed25519',
  });
  const known = fileContent(place('known-hosts', 'Pin the host key of dom0', [hostKey]), {
    path: paths.knownHosts,
    text: async ({ host }) => {
      const key = textOf(await host.readFile(`${paths.hostKey}.pub`));
      if (key === undefined) throw new NotYet(hostKey.id);
      return `${hostKeyAlias} ${key.split(' ').slice(0, 2).join(' ')}\n`;
    },
  });
  const seed = seedPacked(place('seed', 'Pack what is this dom0’s own', [login, hostKey]), { lab, paths });
  const port = portChosen(place('port', 'Choose a port on loopback', [state]), lab.name, paths.port);
  const accelerator = acceleratorTried(place('accelerator', 'Try whether KVM really works', [dom0, state]), {
    paths,
    built,
  });
  const guestMemory = lab.guests.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
  const first: First = { paths, built, guestMemory };
  const booted = firstBoot(place('first-boot', 'Boot dom0 for the first time', [dom0, state, accelerator]), first);
  const saved = firstBootSaved(place('saved-boot', 'Save it for all sandboxes', [booted]), first);
  const overlays = disksLaid(place('disks', 'Lay this sandbox’s disks over the images', [saved, guests]), {
    ...first,
    disk: builtGuestsDisk(paths.cache, disk),
  });
  const run = started(place('run', 'Boot dom0', [seed, overlays, port, known, accelerator]), {
    ...first,
    lab: lab.name,
  });
  return {
    id: 'sandbox',
    title: 'The sandbox: a real dom0 in a box',
    nodes: [
      installed,
      dom0,
      guests,
      state,
      login,
      hostKey,
      known,
      seed,
      accelerator,
      booted,
      saved,
      overlays,
      port,
      run,
    ],
  };
}

/** tmpfs halves the time of a build; where there is too little of it, TMPDIR or the cache does. */
function workDirectory(output: string): string {
  const name = output.split('/').at(-1) ?? '';
  return process.env.LAB_BUILD_DIR ? `${process.env.LAB_BUILD_DIR}/${name}.work` : `/dev/shm/cluster-lab/${name}.work`;
}
