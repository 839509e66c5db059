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

/**
 * The same of a text: the nodes of a cluster say the same about it, and several steps read what a domain is.
 * @param most how many texts are remembered, the latest
 */
export function onceOfText<T>(work: (text: string) => T, most = 4): (text: string) => T {
  const known = new Map<string, { readonly value: T }>();
  return (text) => {
    let found = known.get(text);
    if (!found) {
      found = { value: work(text) };
      known.set(text, found);
      if (known.size > most) known.delete(known.keys().next().value as string);
    }
    return found.value;
  };
}
