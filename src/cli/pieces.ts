/** Files of many pieces: the length of an index, the index as JSON, and the pieces one after the other. */

/** Where each piece begins, after the index, and how long it is (bytes). */
export type Index = Readonly<Record<string, readonly [number, number]>>;

/** Of the length of the index. */
export const headLength = 12;

/** What comes before the pieces. */
export function head(index: Index): string {
  const json = JSON.stringify(index);
  return `${String(json.length).padEnd(headLength - 1)}\n${json}`;
}

/** The index of pieces that come in this order. */
export function indexOf(pieces: readonly (readonly [name: string, piece: { readonly length: number }])[]): Index {
  let at = 0;
  return Object.fromEntries(pieces.map(([name, { length }]) => [name, [(at += length) - length, length]]));
}
