import { disconnect } from '../../hosts/ssh.ts';
import { chosenLab, type WhichLab } from '../context.ts';
import { keptConnection } from '../state.ts';
import { showWhere } from '../where.ts';

/** `lab disconnect`: ends the connection to dom0 that is kept for the next command. @throws BadInput */
export async function disconnectCommand(which: WhichLab): Promise<void> {
  const { lab, where } = await chosenLab(which);
  const kept = keptConnection(lab.name, where);
  const was = kept !== undefined && (await disconnect(kept));
  process.stdout.write(
    was ? `disconnected from ${showWhere(where)}\n` : `no connection to ${showWhere(where)} is kept\n`,
  );
}
