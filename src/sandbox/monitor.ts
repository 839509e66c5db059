import { createConnection } from 'node:net';
import { LabError } from '../model/errors.ts';

/** Longest that QEMU may take for a command (ms). Saving gigabytes of memory takes seconds; nothing else happens meanwhile. */
const limit = 600_000;

const PROMPT = '(qemu) ';

/**
 * Has QEMU do something, over its monitor (the human one: QEMU's documentation, "QEMU Monitor"). It greets, prompts, echoes what
 * is typed, with the control characters of a terminal, answers, and prompts again.
 * @returns the answer: empty where there is nothing to say
 * @throws LabError if it cannot be reached, or takes too long
 */
export function askMonitor(socket: string, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(socket);
    let heard = '';
    let typed = false;
    const fail = (why: string) => {
      connection.destroy();
      reject(new LabError(`QEMU’s monitor: ${line}: ${why}`, `its socket is ${socket}`));
    };
    connection.setTimeout(limit, () => fail(`no answer within ${limit / 1000} s`));
    connection.on('error', ({ message }) => fail(message));
    connection.on('close', () => fail('QEMU hung up'));
    connection.setEncoding('utf8');
    connection.on('data', (chunk) => {
      heard += chunk;
      if (!heard.endsWith(PROMPT)) return;
      if (!typed) {
        typed = true;
        heard = '';
        connection.write(`${line}\n`);
        return;
      }
      connection.removeAllListeners('close').end();
      // The first line is the echo.
      resolve(heard.slice(0, -PROMPT.length).split('\r\n').slice(1).join('\n').trim());
    });
  });
}
