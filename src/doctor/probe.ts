import type { Change } from '../model/change.ts';
import { LabError } from '../model/errors.ts';
import type { HostName, Reader } from '../model/host.ts';
import type { Look } from '../model/step.ts';
import type { Guest, Lab } from '../spec/lab.ts';

/** What takes a cause away. */
export interface Cure {
  /** In one sentence. */
  readonly says: string;
  /** To type; on `where`, or, if that is not said, where lab runs. */
  readonly command: string;
  readonly where?: HostName;
  /** The same as a change on `where`: what `lab doctor --fix` makes. */
  readonly change?: Change;
  /** `--fix` waits, after the change, until the probe of this layer holds too. */
  readonly until?: string;
  /** The chapters that do it: what `--fix` runs where no single change is enough. */
  readonly chapters?: readonly string[];
}

/** Why fencing does not work. */
export interface Cause {
  /** Stable: scripts may test for it. docs/doctor.md lists all of them. */
  readonly name: string;
  /** Of the twelve ways in which fencing fails (docs/doctor.md). */
  readonly number?: number;
  readonly says: string;
  readonly cure: Cure;
}

/** What one layer shows. */
export interface Finding {
  readonly layer: string;
  readonly state: 'holds' | 'broken' | 'unknown';
  /** What was seen; digests of keys, never keys. */
  readonly saw: string;
  /** What that proves. */
  readonly proves?: string;
  /** With `broken`: why. */
  readonly cause?: Cause;
  /** With `unknown`: what it is, if the path does not hold. */
  readonly suspect?: Cause;
}

/** A finding before it is said of which layer. */
export type Seen = Omit<Finding, 'layer'>;

/** Looks at one layer, through readers only. */
export interface Probe {
  readonly layer: string;
  run(look: Look): Promise<Finding>;
}

/** What cannot be looked at is `unknown`, with the reason: a doctor works while everything else is broken. */
export function probe(layer: string, see: (look: Look) => Promise<Seen>): Probe {
  return {
    layer,
    async run(look) {
      try {
        return { layer, ...(await see(look)) };
      } catch (error) {
        if (!(error instanceof LabError)) throw error;
        return { layer, ...unknown(firstLine(error.message)) };
      }
    },
  };
}

export const holds = (saw: string, proves?: string): Seen => ({
  state: 'holds',
  saw,
  ...(proves === undefined ? {} : { proves }),
});
export const broken = (saw: string, cause: Cause): Seen => ({ state: 'broken', saw, cause });
export const unknown = (saw: string, suspect?: Cause): Seen => ({
  state: 'unknown',
  saw,
  ...(suspect ? { suspect } : {}),
});

export const firstLine = (text: string): string => text.trim().split('\n')[0] ?? '';

/** What was learnt from the guests that answer, and which do not. */
export interface FromGuests<T> {
  readonly answers: readonly { readonly guest: Guest; readonly answer: T }[];
  readonly silent: readonly Guest[];
}

/** Asks all guests at once; one that does not answer is no error here: the layer of its address tells. */
export async function askGuests<T>(
  lab: Lab,
  look: Look,
  ask: (reader: Reader, guest: Guest) => Promise<T>,
): Promise<FromGuests<T>> {
  const asked = await Promise.all(
    lab.guests.map(async (guest) => {
      try {
        return { guest, answer: await ask(look.on(guest.name), guest) };
      } catch (error) {
        if (!(error instanceof LabError)) throw error;
        return { guest };
      }
    }),
  );
  return {
    answers: asked.flatMap((one) => ('answer' in one ? [{ guest: one.guest, answer: one.answer as T }] : [])),
    silent: asked.filter((one) => !('answer' in one)).map(({ guest }) => guest),
  };
}

export const names = (guests: readonly { readonly name: string }[]): string =>
  guests.map(({ name }) => name).join(', ');

/** A cure by chapters of the document. */
export function chaptersAgain(says: string, ...chapters: readonly string[]): Cure {
  return { says, command: ['lab up', ...chapters.map((id) => `--only ${id}`)].join(' '), chapters };
}
