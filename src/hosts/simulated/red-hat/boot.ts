import { readDomain } from '../domain-xml.ts';
import type { Machine, World } from '../world.ts';
import { startedAtBoot } from './chkconfig.ts';
import { startCman } from './cman-start.ts';
import { startGfs2 } from './gfs2.ts';
import { rememberCards } from './ifcfg.ts';
import { bootedMark, hostnameOf, releaseOf } from './release.ts';
import { serviceIsThere, startService } from './service.ts';

/**
 * A Red Hat guest boots: udev names its cards, init starts what chkconfig has on, rc.local comes last. Whoever only looks does
 * not write into its disk: the next command does.
 * @returns what its console shows
 */
export function bootRedHat(world: World, guest: Machine): string {
  const { tree } = guest;
  const release = releaseOf(tree);
  if (world.changing) {
    tree.remove('/var/lock/subsys');
    if (guest.running)
      rememberCards(
        tree,
        readDomain(guest.running.xml).hardware.cards.map(({ mac }) => mac),
      );
    tree.write(bootedMark, '');
  }
  const said = startedAtBoot(tree).map((name) => {
    if (!serviceIsThere(guest, name)) return '';
    const call = { world, machine: guest, midway: () => {} };
    const result =
      name === 'cman' ? startCman(call) : name === 'gfs2' ? startGfs2(call) : startService(world, guest, name);
    return result.stdout ?? '';
  });
  const short = hostnameOf(tree).split('.')[0] ?? '';
  const title = release.text.trimEnd();
  return `Linux version ${release.kernel}\nINIT: version 2.86 booting\n\t\tWelcome to ${title}\n${said.join('')}\n${title}\nKernel ${release.kernel} on an x86_64\n\n${short} login: `;
}
