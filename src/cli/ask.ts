import { BadInput } from '../model/errors.ts';
import type { Context } from './context.ts';

/** A yes or no on the terminal; no is the default. */
export async function ask(question: string): Promise<boolean> {
  const { default: inquirer } = await import('inquirer');
  const { answer } = await inquirer.prompt<{ answer: boolean }>([
    { type: 'confirm', name: 'answer', message: question, default: false },
  ]);
  return answer;
}

/**
 * Asks before something is lost; `--yes` has agreed beforehand. If not, the connections are closed.
 * @param command how messages call the command: `lab snapshot`
 * @throws BadInput if nobody is there to ask
 */
export async function agreed(
  { hosts }: Pick<Context, 'hosts'>,
  { yes }: { readonly yes?: boolean },
  command: string,
  question: string,
): Promise<boolean> {
  if (yes) return true;
  const answer = process.stdin.isTTY && (await ask(question));
  if (!answer) await hosts.close();
  if (!process.stdin.isTTY)
    throw new BadInput([
      { place: { file: command }, message: 'nobody is there to ask', hint: 'agree beforehand: --yes' },
    ]);
  return answer;
}
