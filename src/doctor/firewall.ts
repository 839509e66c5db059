import type { Argv } from '../model/host.ts';

/** A packet that has to come in, or to go out. */
export interface Packet {
  readonly protocol: 'udp' | 'tcp';
  readonly port: number;
  /** The interface that it comes in or goes out by; undefined: any. */
  readonly by?: string;
  /** By default it comes in. */
  readonly way?: 'out';
}

/** Whether a condition holds for the packet; `maybe`: it cannot be told from here. */
export type Match = 'yes' | 'no' | 'maybe';

export interface Rule {
  /** As the tool prints it. */
  readonly text: string;
  readonly matches: readonly Match[];
  readonly does: 'accept' | 'drop' | 'return' | 'nothing' | { readonly jump: string };
  /** It speaks of this packet's port: a rule of which it is safe to say that it was made against it. */
  readonly aimed: boolean;
  /** Removes this rule and nothing else. */
  readonly remove: Argv;
}

export interface Table {
  /** The chain where such packets enter it. */
  readonly entry: string;
  /** That chain, as a message names it. */
  readonly name: string;
  readonly policy: 'accept' | 'drop';
  readonly chains: ReadonlyMap<string, readonly Rule[]>;
  /** Lets the packet through this table, and through no other. */
  readonly exception: Argv;
}

/** What becomes of the packet: it gets through, a rule (or the policy) stops it, or that cannot be told from here. */
export type Fate =
  | { readonly is: 'through' }
  | { readonly is: 'stopped'; readonly says: string; readonly rule?: Rule; readonly exception: Argv }
  | { readonly is: 'unsure'; readonly says: string; readonly exception: Argv };

/** One table, rule by rule, as the kernel goes through it. */
export function fateIn({ entry, name, policy, chains, exception }: Table): Fate {
  let doubt: string | undefined;
  const walk = (chain: string, depth: number): Fate | undefined => {
    for (const rule of depth > 20 ? [] : (chains.get(chain) ?? [])) {
      if (rule.does === 'nothing' || rule.matches.includes('no')) continue;
      const sure = !rule.matches.includes('maybe');
      if (typeof rule.does === 'object') {
        const before = doubt;
        const fate = walk(rule.does.jump, depth + 1);
        if (fate && sure) return fate;
        if (fate) doubt = before ?? rule.text;
      } else if (!sure) doubt ??= rule.text;
      else if (rule.does === 'return') return undefined;
      else if (rule.does === 'accept') return { is: 'through' };
      else return { is: 'stopped', says: `the rule ${rule.text}`, rule, exception };
    }
    return undefined;
  };
  const fate =
    walk(entry, 0) ??
    (policy === 'drop' ? { is: 'stopped', says: `the policy of ${name}, drop`, exception } : { is: 'through' });
  // A rule whose condition cannot be judged may have decided before.
  return doubt === undefined || fate.is === 'unsure' ? fate : { is: 'unsure', says: `the rule ${doubt}`, exception };
}

/** All tables must let it through. */
export function fateOf(tables: readonly Table[]): Fate {
  const fates = tables.map(fateIn);
  return fates.find(({ is }) => is === 'stopped') ?? fates.find(({ is }) => is === 'unsure') ?? { is: 'through' };
}

/** Whether a port is in `1229`, `1200:1300`, `1200-1300`. */
export function portIn(text: string, port: number): boolean {
  const [low = '', high = low] = text.split(/[:-]/);
  return Number(low) <= port && port <= Number(high);
}
