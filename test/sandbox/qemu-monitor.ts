import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/**
 * QEMU 7.2's monitor, as it was heard on its socket: each key is echoed with the codes that draw the line anew.
 * @param answers with line ends, to a line typed
 * @returns the socket, in a directory of its own, and the lines typed so far
 */
export async function monitor(answers: (line: string) => string, name = 'sock') {
  const directory = mkdtempSync(join(tmpdir(), 'lab-monitor-'));
  const path = join(directory, name);
  const typed: string[] = [];
  const server = createServer((connection) => {
    connection.on('error', () => {});
    connection.write("QEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) ");
    connection.on('data', (keys) => {
      const line = keys.toString().trimEnd();
      typed.push(line);
      for (let n = 1; n <= line.length; n++) connection.write(`${line.slice(0, n)}\u001b[K${'\u001b[D'.repeat(n)}`);
      connection.write(`\r\n${answers(line)}(qemu) `);
    });
  });
  await new Promise<void>((listening) => server.listen(path, listening));
  onTestFinished(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });
  return { directory, path, typed };
}
