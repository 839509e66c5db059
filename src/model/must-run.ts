import { CommandFailed } from './errors.ts';
import type { Argv, Host, Ran, Reader, RunOptions } from './host.ts';

/**
 * Runs a command whose effect nothing looks at afterwards, so that its exit code is all there is to go by.
 * @throws CommandFailed for any exit code but 0
 */
export async function mustRun(host: Host, argv: Argv, options?: RunOptions): Promise<Ran> {
  return ended(host, await host.run(argv, options));
}

/**
 * A look whose silence would be taken for an answer.
 * @throws CommandFailed for any exit code but 0
 */
export async function mustRead(host: Reader, argv: Argv): Promise<Ran> {
  return ended(host, await host.read(argv));
}

function ended({ name }: Reader, ran: Ran): Ran {
  const { argv, code, stderr, stdout } = ran;
  if (code !== 0) throw new CommandFailed({ host: name, argv, code, stderr: stderr || stdout });
  return ran;
}
