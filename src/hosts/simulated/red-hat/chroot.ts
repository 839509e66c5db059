import { fail, type Handler, ok, type Result } from '../call.ts';
import { Tree } from '../tree.ts';
import { chkconfigIn } from './chkconfig.ts';
import { isRedHat } from './release.ts';

/** The one script that is understood: services turned off, if they are there. */
const offScript = /^for s in ([A-Za-z0-9_ -]+); do \[ ! -e \/etc\/init\.d\/\$s \] \|\| chkconfig \$s off; done$/;

/**
 * chroot(1) into a guest's disk that is mounted on dom0: its chkconfig runs, on its files. Anything else is refused, not
 * guessed at. Killed midway, half of the services are off.
 */
export const chroot: Handler = ({ world, machine: { tree }, args: [root = '', program = '', ...args], midway }) => {
  if (!tree.isDirectory(root))
    return fail(1, `chroot: cannot change root directory to ${root}: No such file or directory`);
  const inside = new Tree(tree.real(root), () => world.state.clock);
  const name = program.replace(/^\/s?bin\//, '');
  if (!isRedHat(inside)) return fail(1, `chroot: cannot run command \`${program}': No such file or directory`);
  if (name === 'chkconfig') return chkconfigIn(inside, args);
  const services =
    name === 'sh' && args[0] === '-c' && args.length === 2 ? offScript.exec(args[1] ?? '')?.[1] : undefined;
  if (services === undefined) return fail(2, `chroot: not simulated: ${[program, ...args].join(' ')}`);
  const there = services.split(/\s+/).filter((service) => inside.has(`/etc/init.d/${service}`));
  let result: Result = ok();
  for (const [n, service] of there.entries()) {
    if (n === Math.ceil(there.length / 2)) midway();
    result = chkconfigIn(inside, [service, 'off']);
  }
  return result;
};
