import type { Options } from '../call.ts';

/** What fence_xvm and fence_xvmd of 2007 print of their arguments with -ddd (the document's transcripts). */
export function argumentsText(
  options: Options,
  { op, flags, domain, at }: { op: number; flags: number; domain: string; at: string },
): string {
  const values = {
    addr: options.value('-a') ?? '225.0.0.12',
    domain,
    key_file: options.value('-k') ?? '/etc/cluster/fence_xvm.key',
    op,
    hash: 2,
    auth: 2,
    port: options.value('-p') ?? 1229,
    family: 2,
    timeout: options.value('-t') ?? 30,
    retr_time: options.value('-r') ?? 20,
    flags,
    debug: options.count('-d'),
  };
  const lines = Object.entries(values).map(([name, value]) => `  args->${name} = ${value}\n`);
  return `-- args @ ${at} --\n${lines.join('')}-- end args --\n`;
}

/** There is no line break at its end: what comes next stands on the same line, as in the document. */
export function keyText(path: string, length: number, at: string): string {
  return `Reading in key file ${path} into ${at} (4096 max size)\nActual key length = ${length} bytes`;
}
