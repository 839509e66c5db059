import { fail, getopt, type Handler, ok } from './call.ts';

/** attr(1)'s setfattr and getfattr 2.5: extended attributes of dom0's files. */

const setfattr: Handler = ({ world: { state }, machine: { tree }, args }) => {
  const options = getopt(args, [], ['-n', '-v', '-x']);
  const [name, value] = [options.value('-n'), options.value('-v') ?? ''];
  for (const path of options.rest) {
    if (!tree.has(path)) return fail(1, `setfattr: ${path}: No such file or directory`);
    if (name === undefined || !name.startsWith('user.')) return fail(1, `setfattr: ${path}: Operation not supported`);
    state.xattrs[path] = { ...state.xattrs[path], [name]: value };
  }
  return ok();
};

const getfattr: Handler = ({ world: { state }, machine: { tree }, args }) => {
  const options = getopt(args, ['--only-values', '--absolute-names', '-d'], ['-n']);
  const name = options.value('-n');
  let stdout = '';
  for (const path of options.rest) {
    if (!tree.has(path)) return fail(1, `getfattr: ${path}: No such file or directory`);
    const attributes = Object.entries(state.xattrs[path] ?? {}).filter(([key]) => name === undefined || key === name);
    if (name !== undefined && attributes.length === 0) return fail(1, `${path}: ${name}: No such attribute`);
    if (options.has('--only-values')) stdout += attributes.map(([, value]) => value).join('');
    else stdout += `# file: ${path}\n${attributes.map(([key, value]) => `${key}="${value}"\n`).join('')}\n`;
  }
  return ok(stdout);
};

export const xattrs = { getfattr, setfattr };
