/**
 * One word for a POSIX shell. zx's quote writes `$'…'`, which dash does not know; single quotes are known to every sh.
 */
export function quoteWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command line for a POSIX shell. */
export function quote(argv: readonly string[]): string {
  return argv.map(quoteWord).join(' ');
}
