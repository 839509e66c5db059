import type { Lab } from '../spec/lab.ts';

/** What tells one domain from another. */
export interface Identity {
  readonly name: string;
  readonly uuid?: string;
  readonly macs: readonly string[];
}

/** What of ours a foreign domain has; undefined: nothing. */
export function clash(lab: Lab, facts: Identity): string | undefined {
  const macs = facts.macs.map((mac) => mac.toLowerCase());
  const guest = lab.guests.find(
    ({ name, uuid, mac }) => name === facts.name || uuid === facts.uuid || macs.includes(mac.toLowerCase()),
  );
  if (!guest) return undefined;
  if (guest.name === facts.name) return `the name of a guest`;
  return guest.uuid === facts.uuid
    ? `the uuid of ${guest.name} (${guest.uuid})`
    : `the MAC of ${guest.name} (${guest.mac})`;
}
