import { BadInput, type Place } from '../model/errors.ts';

/** One network interface of a domain. */
export interface VifSpec {
  readonly mac?: string;
  readonly bridge?: string;
  /** Whatever else is said: model, script, ip, vifname, type, rate … (xl-network-configuration(5)). */
  readonly others: Readonly<Record<string, string>>;
}

/**
 * Reads one string of a `vif = [ … ]`, e.g. `mac=00:16:3e:00:cf:fe,bridge=xenbr0`; '' asks for an interface with defaults.
 * @param place where the string stands, for messages
 * @throws BadInput if a part is not KEY=VALUE
 */
export function readVif(text: string, place: Place): VifSpec {
  const parts = text.split(',').map((part) => part.trim());
  const pairs = parts.filter(Boolean).map((part): [string, string] => {
    const [, key, value] = /^([a-z_-]+)\s*=\s*(.*)$/s.exec(part) ?? [];
    if (key !== undefined && value !== undefined) return [key, value];
    const message = `vif \`${text}\`: \`${part}\` is not KEY=VALUE`;
    throw new BadInput([{ place, message, hint: 'e.g. mac=00:16:3e:00:cf:fe,bridge=xenbr0' }]);
  });
  const { mac, bridge, ...others } = Object.fromEntries(pairs);
  return { ...(mac !== undefined && { mac }), ...(bridge !== undefined && { bridge }), others };
}

/** Writes a vif as the document does: `mac=…,bridge=…`, then the others. Both dialects read it. */
export function writeVif({ mac, bridge, others = {} }: Partial<VifSpec>): string {
  return Object.entries({ mac, bridge, ...others })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
