/**
 * A function of an object that is worked out once for each object, and remembered as long as the object lives. It must depend
 * on nothing else: what is the same for all guests of a lab is then made once a lab, and what a command said is read once.
 */
export function once<Of extends object, T>(work: (of: Of) => T): (of: Of) => T {
  const known = new WeakMap<Of, { readonly value: T }>();
  return (of) => {
    let found = known.get(of);
    if (!found) {
      found = { value: work(of) };
      known.set(of, found);
    }
    return found.value;
  };
}

/** How many texts are remembered: what the nodes of a cluster say at the same time. */
const few = 4;

/** The same of a text: the nodes of a cluster say the same about it, and several steps ask. The last few are remembered. */
export function onceOfText<T>(work: (text: string) => T): (text: string) => T {
  const known = new Map<string, { readonly value: T }>();
  return (text) => {
    let found = known.get(text);
    if (!found) {
      found = { value: work(text) };
      known.set(text, found);
      if (known.size > few) known.delete(known.keys().next().value as string);
    }
    return found.value;
  };
}
