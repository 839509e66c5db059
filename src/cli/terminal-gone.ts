import { closeSync } from 'node:fs';

let known = false;

/**
 * The terminal was closed. When it ends, Node sets a terminal back to what it was, and aborts if that fails (node.cc, ResetStdio:
 * only a descriptor that was closed is passed over): so the descriptors are closed before.
 */
export function terminalIsGone(): void {
  if (known) return;
  known = true;
  process.once('exit', () => {
    for (const descriptor of [0, 1, 2]) {
      try {
        closeSync(descriptor);
      } catch {
        // It is closed already.
      }
    }
  });
}
