import { fail, type Handler, ok } from '../call.ts';
import { startXvmd } from './xvmd.ts';

const background = /^nohup fence_xvmd( [^<>|&;$"'`]*)? > (\S+) 2>&1 < \/dev\/null & echo \$!$/;

/**
 * `sh -c` with the one line that is understood: fence_xvmd in the background, its output in a file, its process id told. Killed
 * midway it runs, and nobody knows its number.
 */
export const sh: Handler = ({ world, machine, args: [flag, line = '', ...more], midway }) => {
  const [, words = '', log] = background.exec(line) ?? [];
  if (flag !== '-c' || log === undefined || more.length > 0) return fail(2, `sh: not simulated: ${line}`);
  const args = words.split(' ').filter(Boolean);
  if (!args.some((word) => /^-[a-zA-Z]*f/.test(word))) return fail(2, 'sh: not simulated: fence_xvmd without -f');
  startXvmd(world, machine, args, { log });
  midway();
  // The shell tells the number of its child, whatever became of it.
  return ok(`${machine.state.services.fence_xvmd?.pid ?? world.nextPid()}\n`);
};
