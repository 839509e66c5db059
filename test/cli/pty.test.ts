import { resolve } from 'node:path';
import { spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';
import { expect, test } from 'vitest';
import { environmentIn, labThatIsUp, scratch } from './process.ts';

/** Runs lab in a real pseudo terminal, and tells what its screen shows in the end. */
async function onTerminal(
  args: readonly string[],
  cwd: string,
  type?: (screen: string, write: (keys: string) => void) => void,
) {
  const { CI: _, ...environment } = environmentIn(cwd);
  const terminal = new xterm.Terminal({ cols: 100, rows: 40, allowProposedApi: true });
  const child = spawn(process.execPath, [resolve('dist/lab.js'), ...args], {
    cols: 100,
    rows: 40,
    cwd,
    env: { ...environment, TERM: 'xterm-256color' },
  });
  const screen = () =>
    Array.from({ length: terminal.buffer.active.length }, (_, row) =>
      terminal.buffer.active.getLine(row)?.translateToString(true),
    ).join('\n');
  child.onData((data) => terminal.write(data, () => type?.(screen(), (keys) => child.write(keys))));
  const code = await new Promise<number>((done) => child.onExit(({ exitCode }) => done(exitCode)));
  await new Promise<void>((done) => terminal.write('', done));
  return { code, screen: screen() };
}

test('on a terminal, chapters collapse and a summary is left', async () => {
  const { code, screen } = await onTerminal(['up', '--host', 'simulated:world'], scratch());
  expect(code).toBe(0);
  expect(screen).toMatch(/9 The cluster/);
  expect(screen).toMatch(/\d+ changed, \d+ met, in /);
  expect(screen).not.toContain('[object');
});

test('Ctrl-C on a terminal leaves a lab that goes on', async () => {
  const cwd = scratch();
  let typed = false;
  const cut = await onTerminal(['up', '--host', 'simulated:world'], cwd, (screen, write) => {
    if (typed || !screen.includes('The guests')) return;
    typed = true;
    write('\x03');
  });
  expect(cut.code).toBe(130);
  expect((await onTerminal(['up', '--host', 'simulated:world'], cwd)).code).toBe(0);
});

test('destroy asks, and no is the default', async () => {
  const cwd = await labThatIsUp();
  let typed = false;
  const asked = await onTerminal(['destroy', '--host', 'simulated:world'], cwd, (screen, write) => {
    if (typed || !screen.includes('Remove all of that')) return;
    typed = true;
    write('\r');
  });
  expect(asked.code).toBe(0);
  expect(asked.screen).toContain('/guests/molly.img');
  expect((await onTerminal(['status', '--host', 'simulated:world'], cwd)).screen).toMatch(
    /molly +192\.168\.77\.11 +running/,
  );
});
