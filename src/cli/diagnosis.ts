import { diagnose, examine, type Finding } from '../doctor/index.ts';
import { lookFor, wholeLooks } from '../engine/look.ts';
import { NotYet } from '../model/errors.ts';
import type { Evidence, Look, Node } from '../model/step.ts';
import { toolstackOf } from '../toolstacks/index.ts';
import type { Context } from './context.ts';

/**
 * All looks of an examination see one world: each thing is looked at once. A guest that is off is not asked, and not waited
 * for.
 */
export function findingsOf({ lab, hosts }: Pick<Context, 'lab' | 'hosts'>): Promise<readonly Finding[]> {
  const node = { id: 'doctor', on: 'dom0' } as Node;
  hosts.warm('dom0');
  const look: Look = lookFor(node, {
    hosts,
    seen: new Map(),
    async gate(name) {
      const guest = lab.guests.find((one) => one.name === name);
      if (guest && !(await toolstackOf(lab).isRunning(look, guest))) throw new NotYet(name, `${name} does not run`);
    },
  });
  return examine(lab, look, (name) => wholeLooks(hosts.host(name)));
}

/** A fencing test that failed, with the layer, the cause and the cure that the doctor finds; as it is, if it finds none. */
export async function explained(context: Context, evidence: Evidence): Promise<Evidence> {
  const { cause, layer } = diagnose(await findingsOf(context));
  if (!cause || layer === undefined) return evidence;
  const { says, command, where } = cause.cure;
  return {
    ...evidence,
    layer,
    says: `${cause.says} (${cause.name}); the test said: ${evidence.says}`,
    hint: `${says}: ${where === undefined ? command : `${where}# ${command}`}`,
  };
}
