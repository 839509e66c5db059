import { Refused } from '../src/model/errors.ts';
import type { Before, Chapter, Look, Node } from '../src/model/step.ts';
import type { Guest, Lab } from '../src/spec/lab.ts';
import { missingInGuest } from '../src/steps/guest-files.ts';
import { toolstackOf } from '../src/toolstacks/index.ts';
import { guestFiles } from './5-inside-each-guest.ts';

const section = 'Creating virtual machines 6';

/** "Boot each domain … and make sure [it] has a MAC address matching what is in [its] Xen domain configuration." */
export function boot(lab: Lab, after: (guest: Guest) => Before): Chapter {
  const nodes = lab.guests.flatMap((guest) => {
    const steps = toolstackOf(lab).boot(lab, guest, after(guest));
    const verified: Node = {
      kind: 'step',
      id: `6.verify-${guest.name}`,
      title: `Check that ${guest.name} is who it should be`,
      section,
      on: guest.name,
      after: steps.slice(-1),
      async check(look) {
        const { wrong, changes } = await wrongIdentity(look, lab, guest);
        if (wrong.length === 0) return changes;
        throw new Refused(
          `${guest.name} runs, and is not as lab.yaml says: ${wrong.join('; ')}`,
          'its disk is only edited while it is off: lab down, then lab up',
        );
      },
    };
    return [...steps, verified];
  });
  return { id: '6', title: 'Boot', nodes };
}

/**
 * MAC, host name and address of the running guest, and the files that were written into its disk. Those that say who the other
 * guests are change with them, and are written while it runs.
 */
async function wrongIdentity(look: Look, lab: Lab, guest: Guest) {
  const { host } = look;
  const [cards, name, files] = await Promise.all([
    host.read(['ip', 'address', 'show']),
    host.read(['uname', '-n']),
    missingInGuest(host, look.on('dom0'), guestFiles(lab, guest)),
  ]);
  const wrong = [
    ...(cards.stdout.toLowerCase().includes(` ${guest.mac.toLowerCase()} `)
      ? []
      : [`no network card with the MAC ${guest.mac}`]),
    ...(cards.stdout.includes(` ${guest.address}/`) ? [] : [`the address ${guest.address} is not there`]),
    ...(name.stdout.trim() === guest.name ? [] : [`its host name is ${name.stdout.trim()}`]),
    ...files.wrong.map((path) => `${path} differs`),
  ];
  return { wrong, changes: files.changes };
}
