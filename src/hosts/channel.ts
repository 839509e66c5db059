import type { Argv } from '../model/host.ts';
import type { Looks } from './session.ts';

/** How a program is started on a host: as a local argv. */
export interface Channel {
  /** `tty`: the program gets a terminal. */
  wrap(argv: Argv, tty?: boolean): Argv;
  /** How looks are made, if not by a shell that is started like any program. */
  looks?(): Looks;
  /** How it is looked at while it boots: by a connection that is tried until it stands. */
  arriving?(): Looks;
  /** It broke: it has to be opened anew. */
  gone(): boolean;
  close(): Promise<void>;
}

/** The machine that lab runs on. */
export const localChannel: Channel = {
  wrap: (argv) => argv,
  gone: () => false,
  close: async () => {},
};
