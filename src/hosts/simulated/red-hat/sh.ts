import { fail, type Handler, ok } from '../call.ts';
import { panic } from '../struck.ts';
import { lostPower } from './fence-domain.ts';
import { fenceDomain } from './xm-start.ts';
import { startXvmd } from './xvmd.ts';

const background = /^nohup fence_xvmd( [^<>|&;$"'`]*)? > (\S+) 2>&1 < \/dev\/null & echo \$!$/;

/**
 * `sh -c` with the lines that are understood: fence_xvmd in the background, its output in a file, its process id told (killed
 * midway it runs, and nobody knows its number); and a kernel panic, after which xend makes the domain anew (on_crash).
 */
export const sh: Handler = ({ world, machine, args: [flag, line = '', ...more], midway }) => {
  if (flag === '-c' && line === panic && machine.running && more.length === 0) {
    const lost = machine.running;
    fenceDomain(world, machine.name, 'reboot');
    lostPower(world, lost);
    return ok();
  }
  const [, words = '', log] = background.exec(line) ?? [];
  if (flag !== '-c' || log === undefined || more.length > 0) return fail(2, `sh: not simulated: ${line}`);
  const args = words.split(' ').filter(Boolean);
  if (!args.some((word) => /^-[a-zA-Z]*f/.test(word))) return fail(2, 'sh: not simulated: fence_xvmd without -f');
  startXvmd(world, machine, args, { log });
  midway();
  // The shell tells the number of its child, whatever became of it.
  return ok(`${machine.state.services.fence_xvmd?.pid ?? world.nextPid()}\n`);
};
