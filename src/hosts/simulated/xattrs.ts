import { fail, getopt, type Handler, ok } from './call.ts';

/** attr(1)'s setfattr and getfattr 2.5: extended attributes of dom0's files. */

const setfattr: Handler = ({ world: { state }, machine: { tree }, args }) => {
  const options = getopt(args, [], ['-n', '-v', '-x']);
  const [name, value] = [options.value('-n'), options.value('-v') ?? ''];
  for (const path of options.rest) {
    if (!tree.has(path)) return fail(1, `setfattr: ${path}: No such file or directory`);
    const removed = options.value('-x');
    if (removed !== undefined) {
      const { [removed]: value, ...others } = state.xattrs[path] ?? {};
      if (value === undefined) return fail(1, `setfattr: ${path}: No such attribute`);
      state.xattrs[path] = others;
      continue;
    }
    if (name === undefined || !name.startsWith('user.')) return fail(1, `setfattr: ${path}: Operation not supported`);
    state.xattrs[path] = { ...state.xattrs[path], [name]: value };
  }
  return ok();
};

const getfattr: Handler = ({ world: { state }, machine: { tree }, args }) => {
  const options = getopt(args, ['--only-values', '--absolute-names', '-d'], ['-n']);
  const name = options.value('-n');
  let stdout = '';
  const stderr: string[] = [];
  // One that lacks the attribute does not keep the others from being told (measured with 2.5.1).
  for (const path of options.rest) {
    const attributes = Object.entries(state.xattrs[path] ?? {}).filter(([key]) => name === undefined || key === name);
    if (!tree.has(path)) stderr.push(`getfattr: ${path}: No such file or directory`);
    else if (name !== undefined && attributes.length === 0) stderr.push(`${path}: ${name}: No such attribute`);
    else if (options.has('--only-values')) stdout += attributes.map(([, value]) => value).join('');
    else stdout += `# file: ${path}\n${attributes.map(([key, value]) => `${key}="${value}"\n`).join('')}\n`;
  }
  if (stderr.length > 0) return fail(1, stderr.join('\n'), stdout);
  return ok(stdout);
};

export const xattrs = { getfattr, setfattr };
