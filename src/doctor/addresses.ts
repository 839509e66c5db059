import { LabError } from '../model/errors.ts';
import type { Look } from '../model/step.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import { dom0Paths } from '../spec/paths.ts';
import { toolstackOf } from '../toolstacks/index.ts';
import { type Cause, broken, firstLine, holds, type Probe, probe, unknown } from './probe.ts';
import { lostOnDom0 } from './routes.ts';

/** Each guest has its address, and dom0 a route to it: what fence_virtd needs to call it back. */
export const guestsAnswer = (lab: Lab): Probe =>
  probe('addresses', async (look) => {
    const seen = await Promise.all(lab.guests.map((guest) => addressOf(look, lab, guest)));
    const saw = seen.map((one) => one.saw).join(', ');
    const cause = seen.find((one) => one.cause)?.cause;
    if (cause) return broken(saw, cause);
    if (seen.every(({ off }) => off)) return unknown('no guest runs');
    return holds(saw, 'dom0 and guests reach each other');
  });

async function addressOf(look: Look, lab: Lab, guest: Guest): Promise<{ saw: string; cause?: Cause; off?: true }> {
  const { name, address } = guest;
  const dom0 = look.on('dom0');
  if (!(await toolstackOf(lab).isRunning({ ...look, host: dom0 }, guest))) return { saw: `${name} is off`, off: true };
  let refused: string;
  try {
    const { stdout } = await look.on(name).read(['ip', '-o', '-4', 'address', 'show']);
    if (stdout.includes(` ${address}/`)) return { saw: `${name} has ${address}` };
    return { saw: `${name} answers without ${address}`, cause: withoutAddress(guest) };
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    refused = firstLine(error.message);
  }
  const [lost, ping, ssh, console] = await Promise.all([
    lostOnDom0(dom0, lab, guest),
    dom0.read(['ping', '-c', '1', '-W', '2', address]),
    dom0.read(['ssh-keyscan', '-T', '3', '-t', dom0Paths(lab).keyType, address]),
    dom0.read(['grep', '-aoE', milestones, `/var/log/xen/console/guest-${name}.log`]),
  ]);
  if (lost) return lost;
  if (ping.code === 0 && ssh.stdout.trim() !== '')
    return { saw: `${name} does not let lab in: ${refused}`, cause: noLogin(guest, refused) };
  if (ping.code === 0) return { saw: `${name} answers ping and not on TCP 22`, cause: booting(guest) };
  const booted = console.stdout.trimEnd().endsWith(' login:');
  return {
    saw: `${name} runs, ${address} does not answer${booted ? ', and its console shows the login' : ''}`,
    cause: booted ? withoutAddress(guest) : booting(guest),
  };
}

/**
 * What a console tells of how far its guest is (grep -E): the boot loader and the kernel begin anew, init asks for a name, the
 * kernel goes down. The last one counts: the log goes on over many boots, and the kernel prints what it likes after the login.
 */
const milestones =
  'Loading Linux |Loading initial ramdisk|Linux version [0-9]|INIT: version |[^[:space:]]+ login:|reboot: [A-Z]';

/** Also what the path shows, when fence_xvm sends via 127.0.0.1 only. */
export const withoutAddress = ({ name, address }: Guest): Cause => ({
  name: 'guest-without-address',
  says: `${name} has not got the address ${address}`,
  cure: {
    says: `look at its network (lab console ${name}: ip address); lab writes it into the disk while the guest is off`,
    command: 'lab down && lab up',
  },
});

const booting = ({ name }: Guest): Cause => ({
  name: 'guest-not-booted',
  says: `${name} runs, and has not booted so far that it answers`,
  cure: { says: `wait for it; watch it with lab console ${name}`, command: 'lab up --only 6', chapters: ['6'] },
});

const noLogin = ({ name }: Guest, refused: string): Cause => ({
  name: 'guest-without-login',
  says: `${name} is there, and lab cannot look into it: ${refused}`,
  cure: { says: 'its keys are written into its disk while it is off', command: 'lab down && lab up' },
});
