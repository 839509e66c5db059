import { chosenLab, type WhichLab } from '../context.ts';
import { endKept } from '../kept.ts';
import { showWhere } from '../where.ts';
import { tell } from '../output.ts';

/** `lab disconnect`: ends the connections to dom0, and from there to the guests, that are kept for the next command. @throws BadInput */
export async function disconnectCommand(which: WhichLab): Promise<void> {
  const chosen = await chosenLab(which);
  const was = await endKept(chosen);
  const where = showWhere(chosen.where);
  tell(was ? `disconnected from ${where}\n` : `no connection to ${where} is kept\n`);
}
