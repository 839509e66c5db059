import { type Change, command, file } from '../model/change.ts';
import { Foreign, Refused } from '../model/errors.ts';
import type { Stat } from '../model/host.ts';
import type { Look, Step } from '../model/step.ts';
import type { Install, Lab } from '../spec/lab.ts';
import { buildDebianImage, type DebianImage } from './debian-image.ts';
import type { Placed } from './file-content.ts';
import { mark, markOn, owned, renamed, unfinished } from './marks.ts';

interface Wanted {
  readonly lab: Lab;
  /** In the image, the file that tells that lab finished installing it. */
  readonly mark: string;
  /** What to install, for `debian: SUITE`. */
  readonly debian?: DebianImage;
}

/**
 * The default image with a system in it, by whichever way lab.yaml names, an installer aside (Toolstack.install). Every way makes a file beside the image and renames
 * it in the end; a failed one leaves its work directory with the log, and nothing that looks finished.
 * @throws Refused (from the check) for a foreign image in the way, or one that is not there with `install: none`
 */
export function installedImage(placed: Placed, wanted: Wanted): Step {
  const { path, install } = wanted.lab.image;
  return {
    kind: 'step',
    ...placed,
    async check(look): Promise<readonly Change[]> {
      const stat = await look.host.stat(path);
      if (install.by === 'none') {
        if (stat?.kind === 'file') return [];
        throw new Refused(
          `install is none, and there is no ${path}`,
          'put an image there, or let lab install one: image: {install: {debian: bookworm}}',
        );
      }
      if (install.by === 'copy') return stat ? owned(look.host, path, wanted.lab) : copy(wanted.lab, install);
      // An image file that nobody wrote to has no system in it (chapter 2 made it).
      if (stat && stat.allocated > 0 && (await isInstalled(look, wanted, stat))) return [];
      await ownImage(look, wanted.lab);
      return debian(wanted);
    },
  };
}

/** @throws Foreign for an image that holds something, and was not made by this lab: one that was adopted is not installed over */
export async function ownImage({ host }: Look, { name, image: { path } }: Lab): Promise<void> {
  const [stat, owner, before] = await Promise.all([host.stat(path), markOn(host, path), markOn(host, path, 'before')]);
  if ((stat?.allocated ?? 0) === 0 || (owner === name && before === undefined)) return;
  throw new Foreign(
    `${path} holds something that lab did not install`,
    'if it is an image to be used as it is: image: {install: none} in lab.yaml; otherwise move it away',
  );
}

/**
 * An image that lab built and no lab owns, as it comes with a sandbox. A lab only ever reads its default image, so this one is
 * used without a mark, and stays when the lab goes.
 */
export async function handedOver(look: Look, lab: Lab, markFile: string): Promise<boolean> {
  const [stat, owner] = await Promise.all([look.host.stat(lab.image.path), markOn(look.host, lab.image.path)]);
  return stat !== undefined && owner === undefined && (await isInstalled(look, { lab, mark: markFile }, stat));
}

async function isInstalled(look: Look, { lab, mark: markFile }: Wanted, { size }: Stat): Promise<boolean> {
  return size === lab.image.bytes && (await look.host.disk(lab.image.path).readFile(markFile)) !== undefined;
}

function debian({ lab, debian: image }: Wanted): readonly Change[] {
  if (!image) throw new Error('nothing to install was given');
  const { path, bytes } = lab.image;
  const fresh = unfinished(path, lab.name);
  return [
    ...buildDebianImage(image, { work: `${path}.${lab.name}-work`, output: fresh, bytes }),
    mark(fresh, lab.name),
    command(['mv', '-T', fresh, path]),
  ];
}

/** A path on dom0, or a URL that dom0 fetches; whole only if its sha256 is the one that lab.yaml says. */
function copy({ name, image: { path } }: Lab, { from, sha256 }: Extract<Install, { by: 'copy' }>): readonly Change[] {
  const fresh = unfinished(path, name);
  const sums = `${fresh}.sha256`;
  const fetch = /^[a-z]+:\/\//.test(from)
    ? command(['curl', '--fail', '--location', '--silent', '--show-error', '--output', fresh, from], {
        timeout: 3_600_000,
      })
    : command(['cp', '--reflink=auto', '--sparse=always', '--remove-destination', from, fresh], { timeout: 3_600_000 });
  return [
    fetch,
    file(sums, 0o644, `${sha256}  ${fresh}\n`),
    command(['sha256sum', '--check', '--strict', sums], { why: `sha256sum --check ${sums}  (${sha256})` }),
    command(['rm', '-f', sums]),
    mark(fresh, name),
    renamed(fresh, path),
  ];
}
