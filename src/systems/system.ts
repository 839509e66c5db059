import type { Argv, Reader } from '../model/host.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import type { GuestFile } from '../steps/guest-files.ts';

/** What runs inside the guests: Debian, or a Red Hat of the document's day. */
export interface GuestSystem {
  /** `whole`: the image is one file system. `partitioned`: a partition or a logical volume in it is the root. */
  readonly disk: 'whole' | 'partitioned';
  /** What dom0's ssh must be told to reach these guests. */
  readonly sshOptions: readonly string[];
  /** Host name, network pinned to the MAC, ssh host keys, and who may log in. */
  identity(lab: Lab, guest: Guest): readonly GuestFile[];
  /** How far the boot is, asked in the guest. */
  bootState(guest: Reader): Promise<{ readonly done: boolean; readonly says: string }>;
  /** A command that ends with the boot, or after 20 s, where there is one. */
  readonly bootEnds?: Argv;
}
