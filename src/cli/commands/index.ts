import { LabError } from '../../model/errors.ts';
import { closeOpened } from '../opened.ts';
import type { OrdealChoice } from './ordeal.ts';
import type { RunChoices } from './up.ts';
import type { WhichLab } from '../context.ts';

/*
 * Every command under the name by which main.ts calls it, loaded when it is called. In the bundle all of it is one file, of which
 * V8's work is kept (../compiled.ts).
 */

const sandbox = () => import('./sandbox.ts');
const snapshot = () => import('./snapshot.ts');

const commands = {
  up: async () => (await import('./up.ts')).upCommand,
  status: async () => (await import('./status.ts')).statusCommand,
  fenceTest: async () => fenceTest,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  ssh: async () => (await import('./guests.ts')).sshCommand,
  console: async () => (await import('./guests.ts')).consoleCommand,
  down: async () => (await import('./lab.ts')).downCommand,
  destroy: async () => (await import('./lab.ts')).destroyCommand,
  disconnect: async () => (await import('./disconnect.ts')).disconnectCommand,
  sandboxUp: async () => (await sandbox()).sandboxUp,
  sandboxDown: async () => (await sandbox()).sandboxDownCommand,
  sandboxSsh: async () => (await sandbox()).sandboxSsh,
  sandboxDestroy: async () => (await sandbox()).sandboxDestroyCommand,
  sandboxStatus: async () => (await sandbox()).sandboxStatus,
  snapshotSave: async () => (await snapshot()).snapshotSave,
  snapshotList: async () => (await snapshot()).snapshotList,
  snapshotRestore: async () => (await snapshot()).snapshotRestore,
  snapshotDelete: async () => (await snapshot()).snapshotDelete,
  rewrite: async () => (await import('./rewrite.ts')).rewrite,
  init: async () => (await import('./init.ts')).init,
  schema: async () => schema,
};

export type CommandName = keyof typeof commands;

/** `lab fence-test`: each guest asks whether it could, or one is fenced in earnest. */
async function fenceTest(options: WhichLab & RunChoices & OrdealChoice): Promise<number> {
  const { real, off, direct, crash, by, split } = options;
  if ([real, off, direct, crash, by, split].some((choice) => choice !== undefined))
    return (await import('./ordeal.ts')).realFenceTest(options);
  return (await import('./lab.ts')).fenceTestCommand(options);
}

async function schema(): Promise<void> {
  (await import('./schema.ts')).schema(process.stdout);
}

/**
 * Runs a command.
 * @param given its arguments and, last, its options, as commander read them
 * @returns the exit code; what a LabError says went to stderr
 */
export async function run(name: CommandName, given: readonly unknown[]): Promise<number> {
  try {
    const command = (await commands[name]()) as (...given: readonly unknown[]) => Promise<number | void>;
    return (await command(...given)) ?? 0;
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    process.stderr.write(`lab: ${error.message}\n${error.hint ? `  ${error.hint}\n` : ''}`);
    return error.exitCode;
  } finally {
    await closeOpened();
  }
}
