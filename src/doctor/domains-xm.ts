import { command } from '../model/change.ts';
import type { Lab } from '../spec/lab.ts';
import { xmState } from '../toolstacks/xm-list.ts';
import { broken, holds, type Probe, probe } from './probe.ts';

/** xm knows no domain that is off: a guest is in `xm list`, or it is not. */
export const xmGuestsRun = (lab: Lab): Probe =>
  probe('guests', async (look) => {
    const dom0 = look.on('dom0');
    const [states, files] = await Promise.all([
      Promise.all(lab.guests.map(({ name }) => xmState(dom0, name))),
      Promise.all(lab.guests.map(({ domainFile }) => dom0.stat(domainFile))),
    ]);
    const saw = lab.guests.map(({ name }, n) => `${name} ${states[n] ?? 'not in xm list'}`).join(', ');
    for (const [n, { name, domainFile }] of lab.guests.entries()) {
      if (states[n] === undefined && !files[n]) {
        return broken(saw, {
          name: 'guest-not-defined',
          number: 9,
          says: `${name} has no domain file ${domainFile} yet`,
          cure: { says: 'lab up goes on from where it is', command: 'lab up' },
        });
      }
      if (states[n] === undefined || states[n] === 'paused') {
        const paused = states[n] === 'paused';
        const argv = paused ? (['xm', 'unpause', name] as const) : (['xm', 'create', domainFile] as const);
        return broken(saw, {
          name: paused ? 'guest-paused' : 'guest-off',
          says: `${name} ${paused ? 'is paused' : 'does not run'}`,
          cure: {
            says: paused ? 'let it go on' : 'start it',
            command: argv.join(' '),
            where: 'dom0',
            change: command(argv),
            until: 'addresses',
          },
        });
      }
    }
    return holds(saw, 'fence_xvmd can see and power them');
  });
