export type XmState = 'running' | 'blocked' | 'paused' | 'shutdown' | 'crashed' | 'dying';

/** The letters of a state, the weightiest first: Xen sets several, such as `s` and `c` of a domain that crashed. */
const STATES: readonly (readonly [string, XmState])[] = [
  ['d', 'dying'],
  ['c', 'crashed'],
  ['s', 'shutdown'],
  ['p', 'paused'],
  ['b', 'blocked'],
];
const HEADER = /^\s*Name\s+ID\s+Mem\S*\s+VCPUs\s+State\s+Time/i;
/** Name, ID, memory, VCPUs, state; a domain that xend only keeps the configuration of has no ID, and is off. */
const ROW = /^\s*(\S+)\s+\d+\s+\d+\s+\d+\s+([rbpscd-]+)\s+\d/;

/**
 * The domains of `xm list`, by name. All dashes means that the domain runs, on no processor right now; a row without an ID is no
 * domain of Xen's (tools/python/xen/xm/main.py, xm_brief_list).
 */
export function readXmList(stdout: string): ReadonlyMap<string, XmState> {
  const lines = stdout.split(/\r?\n/);
  const header = lines.findIndex((line) => HEADER.test(line));
  const states = new Map<string, XmState>();
  for (const line of header === -1 ? [] : lines.slice(header + 1)) {
    const [, name, letters] = ROW.exec(line) ?? [];
    if (name === undefined || letters === undefined) continue;
    states.set(name, STATES.find(([letter]) => letters.includes(letter))?.[1] ?? 'running');
  }
  return states;
}

/** An s-expression of xend: an atom, or a list. */
type Sexp = string | readonly Sexp[];

const WORD = /\s+|[()]|'[^'\\]*(?:\\[^][^'\\]*)*'|"[^"\\]*(?:\\[^][^"\\]*)*"|[^\s()]+/y;

/**
 * All lists of a text that stand in no other, as far as they are closed (tools/python/xen/xend/sxp.py). Strings are what Python
 * prints with repr; of its escapes those of quotes and backslashes are understood.
 */
function lists(text: string): readonly Sexp[] {
  const top: Sexp[] = [];
  // A stack of our own: a text may nest deeper than functions can call each other.
  const open: Sexp[][] = [];
  WORD.lastIndex = 0;
  for (let match = WORD.exec(text); match; match = WORD.exec(text)) {
    const [word] = match;
    if (word === '(') {
      open.push([]);
    } else if (word === ')') {
      const list = open.pop();
      if (list) (open.at(-1) ?? top).push(list);
    } else if (word.trim() !== '') {
      const isString = /^(['"])[^]*\1$/.test(word) && word.length > 1;
      open.at(-1)?.push(isString ? word.slice(1, -1).replace(/\\(['"\\])/g, '$1') : word);
    }
  }
  return top;
}

/** The lists in a list that begin with a name. */
function named(list: Sexp, name: string): readonly Sexp[] {
  return typeof list === 'string' ? [] : list.filter((item) => typeof item !== 'string' && item[0] === name);
}

/** The atom of `(name atom)` in a list. */
function atom(list: Sexp, name: string): string | undefined {
  const value = named(list, name)[0]?.[1];
  return typeof value === 'string' ? value : undefined;
}

export interface XmDomain {
  readonly name: string;
  /** Of the running domain. */
  readonly id?: number;
  readonly uuid?: string;
  /** As written. */
  readonly macs: readonly string[];
}

/**
 * The domains of `xm list --long`: s-expressions one after the other, `(domain (domid 1) (uuid …) (name molly) … (device (vif
 * (mac …) …)) …)`. A text that is none has none.
 */
export function readXmLong(stdout: string): readonly XmDomain[] {
  return lists(stdout).flatMap((domain) => {
    const name = domain[0] === 'domain' ? atom(domain, 'name') : undefined;
    if (name === undefined) return [];
    const [id, uuid] = [atom(domain, 'domid'), atom(domain, 'uuid')];
    const cards = named(domain, 'device').flatMap((device) => named(device, 'vif'));
    return [
      {
        name,
        ...(id !== undefined && /^\d+$/.test(id) && { id: Number(id) }),
        ...(uuid !== undefined && { uuid }),
        macs: cards.flatMap((card) => atom(card, 'mac') ?? []),
      },
    ];
  });
}
