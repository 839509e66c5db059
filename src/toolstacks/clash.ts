import { Foreign } from '../model/errors.ts';
import type { Lab } from '../spec/lab.ts';

/** What tells one domain from another. */
export interface Identity {
  readonly name: string;
  readonly uuid?: string;
  readonly macs: readonly string[];
}

/** What of ours a foreign domain has; undefined: nothing, or it is the one that `--adopt` names. */
export function clash(lab: Lab, facts: Identity): string | undefined {
  const macs = facts.macs.map((mac) => mac.toLowerCase());
  const clashing = lab.guests.filter(
    ({ name, uuid, mac }) => name === facts.name || uuid === facts.uuid || macs.includes(mac.toLowerCase()),
  );
  const guest = clashing.find(({ name }) => !(name === facts.name && lab.adopt?.includes(name)));
  if (!guest) return undefined;
  if (guest.name === facts.name) return `the name of a guest`;
  return guest.uuid === facts.uuid
    ? `the uuid of ${guest.name} (${guest.uuid})`
    : `the MAC of ${guest.name} (${guest.mac})`;
}

/** A domain of somebody else in the way. Only one of a guest's own name can be adopted. @param said its name, and where it was found; @param owner the lab that it belongs to */
export function clashWith(said: string, owner: string | undefined, what: string, name = said): Foreign {
  const whose = owner === undefined ? "which is not this lab's" : `which belongs to the lab ${owner}`;
  const adopt = what === 'the name of a guest' ? `; or take it over: lab up --adopt ${name}` : '';
  return new Foreign(
    `the domain ${said}, ${whose}, has ${what}`,
    `name the guest otherwise, or set network.mac, in lab.yaml${adopt}`,
  );
}
