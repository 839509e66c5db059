/**
 * What can go wrong, in the words a person gets to read. Every error says what happened, where, and what to do next;
 * `exitCode` is the exit code of the command line contract.
 */

/** A place in a text, counted from 1. */
export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** `lab.yaml:3:5`, or as much of it as is known. */
export function showPlace({ file, line, column }: Place): string {
  return [file, line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(':');
}

/** Any failure that `lab` foresees. Anything else that is thrown is a bug. */
export class LabError extends Error {
  /** 1 a step failed · 2 bad input · 4 another run holds the lab · 130 interrupted. */
  readonly exitCode: number = 1;
  /** What to do next: a sentence, or a command to type. */
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.name = new.target.name;
    this.hint = hint;
  }
}

/** One thing wrong with the input: where, what was found, what was expected. */
export interface Complaint {
  readonly place: Place;
  readonly message: string;
  readonly hint?: string;
}

/** The input cannot be used. Thrown before anything was touched (exit code 2); holds every complaint, not only the first. */
export class BadInput extends LabError {
  override readonly exitCode = 2;
  readonly complaints: readonly Complaint[];
  constructor(complaints: readonly Complaint[]) {
    super(
      complaints
        .map(({ place, message, hint }) => [`${showPlace(place)}: ${message}`, hint].filter(Boolean).join('\n  '))
        .join('\n'),
    );
    this.complaints = complaints;
  }
}

/** A host, or what a step left behind, is not there yet: the answer waits for `waitsFor` (a step's id, or a host's name). */
export class NotYet extends LabError {
  readonly waitsFor: string;
  constructor(waitsFor: string, message = `not there yet: ${waitsFor}`) {
    super(message);
    this.waitsFor = waitsFor;
  }
}

/**
 * The world is in a state that `lab` must not change: a foreign file in the way, an image in use. A run that knows it from its plan,
 * and would change nothing before it, stops before anything is touched.
 */
export class Refused extends LabError {}

/** Something that lab did not make is in the way. Whatever comes before it, nothing is touched. */
export class Foreign extends Refused {}

/** Another lab of this dom0 has it. Told alone: whatever else is in the way is in the way because of that. */
export class OfAnotherLab extends Foreign {}

/** A command ended badly. The last lines of stderr are in the message. */
export class CommandFailed extends LabError {
  readonly host: string;
  readonly argv: readonly string[];
  readonly code: number;
  readonly stderr: string;
  constructor(failure: { host: string; argv: readonly string[]; code: number; stderr: string; hint?: string }) {
    const last = failure.stderr.trimEnd().split('\n').slice(-8).join('\n    ');
    super(
      `on ${failure.host}: \`${failure.argv.join(' ')}\` ended with exit code ${failure.code}${last ? `\n    ${last}` : ''}`,
      failure.hint,
    );
    this.host = failure.host;
    this.argv = failure.argv;
    this.code = failure.code;
    this.stderr = failure.stderr;
  }
}

/** The changes were made, but the world did not come to agree in time. */
export class DidNotSettle extends LabError {}

/** The connection to a host is gone, or could not be made. */
export class Unreachable extends LabError {
  readonly host: string;
  constructor(host: string, why: string, hint?: string) {
    super(`cannot reach ${host}: ${why}`, hint);
    this.host = host;
  }
}

/** A host does not show the key that it is known by. Not Unreachable: nobody waits for that to pass. */
export class NotTrusted extends LabError {}

/** Another run holds the lab (exit code 4). */
export class Held extends LabError {
  override readonly exitCode = 4;
}

/** Ctrl-C or SIGTERM (exit code 130): what was done stays done, and `lab up` goes on from there. */
export class Interrupted extends LabError {
  override readonly exitCode = 130;
}

/** Fault injection: thrown in the middle of a command's work, which then fails there, half done. */
export class GivenUp extends LabError {}
