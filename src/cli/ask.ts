import { BadInput } from '../model/errors.ts';
import { streams } from './output.ts';

/** A yes or no on the terminal; no is the default. */
export async function ask(question: string): Promise<boolean> {
  streams();
  const { default: inquirer } = await import('inquirer');
  const { answer } = await inquirer.prompt<{ answer: boolean }>([
    { type: 'confirm', name: 'answer', message: question, default: false },
  ]);
  return answer;
}

/**
 * Asks before something is lost; `--yes` has agreed beforehand.
 * @param command how messages call the command: `lab snapshot`
 * @throws BadInput if nobody is there to ask
 */
export async function agreed({ yes }: { readonly yes?: boolean }, command: string, question: string): Promise<boolean> {
  if (yes) return true;
  const answer = process.stdin.isTTY && (await ask(question));
  if (!process.stdin.isTTY)
    throw new BadInput([
      { place: { file: command }, message: 'nobody is there to ask', hint: 'agree beforehand: --yes' },
    ]);
  return answer;
}
