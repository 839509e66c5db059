import { CommandFailed } from './errors.ts';
import type { Argv, Host, Ran, RunOptions } from './host.ts';

/**
 * Runs a command whose effect nothing looks at afterwards, so that its exit code is all there is to go by.
 * @throws CommandFailed for any exit code but 0
 */
export async function mustRun(host: Host, argv: Argv, options?: RunOptions): Promise<Ran> {
  const ran = await host.run(argv, options);
  if (ran.code !== 0)
    throw new CommandFailed({ host: host.name, argv, code: ran.code, stderr: ran.stderr || ran.stdout });
  return ran;
}
