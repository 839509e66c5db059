import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Intent } from './state.ts';
import { Tree } from './tree.ts';
import type { World } from './world.ts';

/** An image that is one file system, one with a partition, or one with /boot and a volume group (RHEL's installer). */
export type Layout = 'whole' | 'partition' | 'lvm';

/** Where the layout is kept: it goes wherever the file system goes. */
export const layoutMark = '/.simulated-layout';

/**
 * What is inside the disk images of dom0. An image is a small sparse file in dom0's tree, and its file system is a directory
 * beside it: DIR/molly for the disk of molly, DIR/images/PATH for any other. A file without such a directory is an
 * image without a file system.
 */
export class Images {
  readonly #world: World;
  readonly #dom0: Tree;
  /** After a rename that was cut short: the file has its new name, its file system not yet. */
  #late: Intent | undefined;

  constructor(world: World, dom0: Tree) {
    this.#world = world;
    this.#dom0 = dom0;
  }

  /** Where the file system of an image of this name belongs. */
  homeOf(image: string): string {
    const guest = this.#world.guestsByDisk.get(image);
    return join(this.#world.directory, guest ? guest.name : join('images', image));
  }

  /** The directory that is inside an image; undefined if it has no file system, or there is no image. */
  treeOf(image: string): string | undefined {
    const late = this.#late?.to === image ? this.#late : undefined;
    if (late && !late.withFiles) return undefined;
    // An installer that is at work has not finished it.
    if (Object.values(this.#world.state.running).some(({ installs }) => installs?.image === image)) return undefined;
    const root = this.homeOf(late?.from ?? image);
    return this.#isFile(image) && existsSync(root) ? root : undefined;
  }

  /** How an image with a file system is divided; the file system is that of its root. */
  layoutOf(image: string): Layout | undefined {
    const root = this.treeOf(image);
    if (root === undefined) return undefined;
    const mark = join(root, layoutMark);
    return existsSync(mark) ? (readFileSync(mark, 'utf8').trim() as Layout) : 'whole';
  }

  #isFile(image: string): boolean {
    // Not through Tree.stat: that looks up mounts, which are looked up here.
    return statSync(join(this.#dom0.root, image), { throwIfNoEntry: false })?.isFile() ?? false;
  }

  /** The file has its new name; attributes and file system follow. Run again after a death, it knows what is left to do. */
  renamed(intent: Intent): void {
    const { xattrs } = this.#world.state;
    const { from, to } = intent;
    if (xattrs[from]) xattrs[to] = xattrs[from];
    else delete xattrs[to];
    delete xattrs[from];
    if (!intent.withFiles || existsSync(this.homeOf(from))) this.#late = intent;
  }

  /** Brings the file system of a renamed image to where it belongs. Only a command that changes something may do so. */
  mend(): void {
    if (this.#late) {
      const { from, to, withFiles } = this.#late;
      this.clear(to);
      if (withFiles) {
        mkdirSync(dirname(this.homeOf(to)), { recursive: true });
        renameSync(this.homeOf(from), this.homeOf(to));
      }
      this.#late = undefined;
    }
    this.#world.state.intent = undefined;
  }

  /** An image begins anew, without a file system. */
  clear(image: string): void {
    rmSync(this.homeOf(image), { recursive: true, force: true });
  }

  /** An image gets a file system that is made on the spot. */
  build(image: string, layout: Layout, write: (root: Tree) => void): void {
    const home = this.homeOf(image);
    const half = `${home}.half`;
    rmSync(half, { recursive: true, force: true });
    const tree = new Tree(half, () => this.#world.state.clock);
    tree.makeDirectory('/');
    if (layout !== 'whole') tree.write(layoutMark, `${layout}\n`);
    write(tree);
    this.clear(image);
    renameSync(half, home);
  }

  /** An image gets a copy of a directory as its file system. */
  fill(image: string, root: string): void {
    const home = this.homeOf(image);
    const half = `${home}.half`;
    rmSync(half, { recursive: true, force: true });
    cpSync(root, half, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    this.clear(image);
    renameSync(half, home);
  }
}
