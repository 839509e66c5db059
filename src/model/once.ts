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
