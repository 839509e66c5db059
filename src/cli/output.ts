import { writeSync } from 'node:fs';
import { terminalIsGone } from './terminal-gone.ts';

/** Tells on standard output. Not by Node's streams: to load them costs a short command 6 ms (docs/benchmarks.md). */
export function tell(text: string | Uint8Array): void {
  write(1, text);
}

/** Tells on standard error. */
export function warn(text: string | Uint8Array): void {
  write(2, text);
}

function write(descriptor: 1 | 2, text: string | Uint8Array): void {
  // What a stream was given before comes before.
  if (taken) return void streams()[descriptor === 1 ? 'stdout' : 'stderr'].write(text);
  let rest = typeof text === 'string' ? Buffer.from(text) : text;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      // Somebody who shares it made it one that does not wait.
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') wait();
      else return nobodyReads(error as NodeJS.ErrnoException);
    }
  }
}

function wait(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}

/** Nobody reads any more, or the terminal was closed: what is under way goes on to where it can be left. @throws any other error */
function nobodyReads(error: NodeJS.ErrnoException): void {
  if (error.code === 'EIO') terminalIsGone();
  else if (error.code !== 'EPIPE') throw error;
}

let taken = false;

/** The streams, for what draws on a terminal, or writes much. */
export function streams(): Pick<NodeJS.Process, 'stdout' | 'stderr'> {
  const { stdout, stderr } = process;
  if (!taken) for (const stream of [stdout, stderr]) stream.on('error', nobodyReads);
  taken = true;
  return { stdout, stderr };
}

/** Whether nothing has to be waited for: a stream keeps what a pipe does not take, and would lose it if the process ended. */
export function allIsOut(): boolean {
  return !taken || Object.values(streams()).every(({ writableLength }) => writableLength === 0);
}
