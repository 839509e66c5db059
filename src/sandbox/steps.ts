import { createHash } from 'node:crypto';
import { type Change, command, wait } from '../model/change.ts';
import { NotYet, Unreachable } from '../model/errors.ts';
import type { Chapter, Look, Node, Step } from '../model/step.ts';
import type { Lab } from '../spec/lab.ts';
import type { DebianImage } from '../steps/debian-image.ts';
import { directory } from '../steps/directory.ts';
import { fileContent, type Placed, textOf } from '../steps/file-content.ts';
import { sshKeyPair } from '../steps/keys.ts';
import { packages } from '../steps/packages.ts';
import { builtDom0, dom0Image, dom0ImageBuilt } from './dom0-image.ts';
import { builtGuestsDisk, guestsDiskBuilt } from './guests-disk.ts';
import { hostKeyAlias, sandboxPaths } from './paths.ts';
import { kvmWorks, qemu, runningPid } from './qemu.ts';
import { seedPacked } from './seed.ts';

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
  });
  const guests = guestsDiskBuilt(place('guests-disk', 'Build the default image', [installed]), {
    disk,
    cache: paths.cache,
    work: workDirectory(builtGuestsDisk(paths.cache, disk)),
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
  const overlays = overlay(place('disks', 'Lay this sandbox’s disks over the images', [dom0, guests, state]), [
    [built.disk, paths.dom0Disk],
    [builtGuestsDisk(paths.cache, disk), paths.guestsDisk],
  ]);
  const port = portChosen(place('port', 'Choose a port on loopback', [state]), lab.name, paths.port);
  const accelerator = fileContent(place('accelerator', 'Try whether KVM really works', [dom0, state]), {
    path: paths.accelerator,
    text: async ({ host }) => {
      const [file, image, boot] = await Promise.all([
        host.readFile(paths.accelerator),
        host.stat(built.disk),
        host.readFile('/proc/sys/kernel/random/boot_id'),
      ]);
      const tried = textOf(file);
      if (tcgIsWanted || tried?.endsWith(` ${textOf(boot)}`)) return tried ?? 'untried\n';
      if (!image) throw new NotYet(dom0.id);
      return `${(await kvmWorks(host, built)) ? 'kvm' : 'tcg'} ${textOf(boot)}`;
    },
  });
  const guestMemory = lab.guests.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
  const run: Step = {
    kind: 'step',
    ...place('run', 'Boot dom0', [seed, overlays, port, known, accelerator]),
    provides: 'dom0',
    settle: {
      within: 300_000,
      hint: `read its serial log: ${paths.serial}`,
      state: async ({ host }) => lastLine(await host.read(['tail', '-n', '3', paths.serial])),
      diagnose: async ({ host }) => [
        'last lines of its serial log:',
        ...(await host.read(['tail', '-n', '15', paths.serial])).stdout.trimEnd().split('\n'),
      ],
    },
    async check(look): Promise<readonly Change[]> {
      if ((await runningPid(look.host, paths)) !== undefined) return answers(look);
      const [chosen, tried] = await Promise.all([
        look.host.readFile(paths.port),
        look.host.readFile(paths.accelerator),
      ]);
      const kvm = !tcgIsWanted && textOf(tried)?.startsWith('kvm ') === true;
      return [
        command(qemu(paths, built, { port: Number(textOf(chosen) ?? firstPort(lab.name)), guestMemory, kvm }), {
          outlives: true,
        }),
      ];
    },
  };
  return {
    id: 'sandbox',
    title: 'The sandbox: a real dom0 in a box',
    nodes: [installed, dom0, guests, state, login, hostKey, known, seed, overlays, port, accelerator, run],
  };
}

async function answers(look: Look): Promise<readonly Change[]> {
  const waiting = wait('wait for dom0 to boot');
  try {
    const { stdout } = await look.on('dom0').read(['systemctl', 'is-system-running']);
    return ['running', 'degraded'].includes(stdout.trim()) ? [] : [waiting];
  } catch (error) {
    if (error instanceof Unreachable || error instanceof NotYet) return [waiting];
    throw error;
  }
}

/** `LAB_ACCEL=tcg`: emulate the CPU, whatever KVM can do. */
const tcgIsWanted = process.env.LAB_ACCEL === 'tcg';

/** tmpfs halves the time of a build; where there is too little of it, TMPDIR or the cache does. */
function workDirectory(output: string): string {
  const name = output.split('/').at(-1) ?? '';
  return process.env.LAB_BUILD_DIR ? `${process.env.LAB_BUILD_DIR}/${name}.work` : `/dev/shm/cluster-lab/${name}.work`;
}

/** qcow2 over the cached images: a sandbox costs nothing until it writes, and can be saved. */
function overlay(placed: Placed, disks: readonly (readonly [string, string])[]): Step {
  return {
    kind: 'step',
    ...placed,
    async check({ host }) {
      const found = await Promise.all(disks.map(([, path]) => host.stat(path)));
      return disks
        .filter((_, n) => found[n] === undefined)
        .flatMap(([base, path]) => [
          command(['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', base, `${path}.new`]),
          command(['mv', `${path}.new`, path]),
        ]);
    },
  };
}

/** Labs get different ports, the same lab the same one, as long as nobody else listens there. */
function firstPort(lab: string): number {
  return 22000 + (createHash('sha256').update(lab).digest().readUInt16BE(0) % 8000);
}

function portChosen(placed: Placed, lab: string, path: string): Step {
  return fileContent(placed, {
    path,
    mode: 0o600,
    text: async ({ host }) => {
      const [chosen, sockets] = await Promise.all([host.readFile(path), host.read(['ss', '-Hltn'])]);
      if (chosen) return textOf(chosen) ?? '';
      let port = firstPort(lab);
      while (sockets.stdout.includes(`:${port} `)) port++;
      return `${port}\n`;
    },
  });
}

function lastLine({ stdout }: { stdout: string }): string {
  return stdout.trim().split('\n').at(-1)?.trim().slice(0, 80) ?? '';
}
