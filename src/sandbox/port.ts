import { createHash } from 'node:crypto';
import type { Step } from '../model/step.ts';
import { fileContent, type Placed, textOf } from '../steps/file-content.ts';

/** Labs get different ports, the same lab the same one, as long as nobody else listens there. */
export function firstPort(lab: string): number {
  return 22000 + (createHash('sha256').update(lab).digest().readUInt16BE(0) % 8000);
}

export function portChosen(placed: Placed, lab: string, path: string): Step {
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
