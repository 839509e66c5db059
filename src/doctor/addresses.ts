import { command } from '../model/change.ts';
import { LabError } from '../model/errors.ts';
import type { Look } from '../model/step.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import { dom0Paths } from '../spec/paths.ts';
import { toolstackOf } from '../toolstacks/index.ts';
import { type Cause, broken, firstLine, holds, type Probe, probe, unknown } from './probe.ts';

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
  const [route, ping, ssh, console] = await Promise.all([
    dom0.read(['ip', 'route', 'get', address]),
    dom0.read(['ping', '-c', '1', '-W', '2', address]),
    dom0.read(['ssh-keyscan', '-T', '3', '-t', dom0Paths(lab).keyType, address]),
    dom0.read(['tail', '-n', '3', `/var/log/xen/console/guest-${name}.log`]),
  ]);
  const lost = wayTo(lab, address, `${route.stdout}${route.stderr}`);
  if (lost) return { saw: lost, cause: noRoute(lab, guest, lost) };
  if (ping.code === 0 && ssh.stdout.trim() !== '')
    return { saw: `${name} does not let lab in: ${refused}`, cause: noLogin(guest, refused) };
  if (ping.code === 0) return { saw: `${name} answers ping and not on TCP 22`, cause: booting(guest) };
  const booted = /login:\s*$/.test(console.stdout);
  return {
    saw: `${name} runs, ${address} does not answer${booted ? ', and its console shows the login' : ''}`,
    cause: booted ? withoutAddress(guest) : booting(guest),
  };
}

/** ip-route(8) get: `192.168.77.11 dev xenbr0 src …`, or `RTNETLINK answers: Network is unreachable`. */
function wayTo(lab: Lab, address: string, said: string): string | undefined {
  if (said.includes('Network is unreachable')) return `dom0 has no route to ${address}`;
  const device = new RegExp(`^${address.replaceAll('.', '\\.')} .*?dev (\\S+)`, 'm').exec(said)?.[1];
  if (device === undefined || !toolstackOf(lab).addressOnBridge || device === lab.network.bridge) return undefined;
  return `dom0 sends what is for ${address} to ${device}, not to ${lab.network.bridge}`;
}

/** Also what the path shows, when fence_virtd logs `Network is unreachable`. */
export function noRoute({ network: { subnet, bridge, dom0Address } }: Lab, { name }: Guest, says: string): Cause {
  const argv = ['ip', 'route', 'replace', subnet, 'dev', bridge, 'src', dom0Address] as const;
  return {
    name: 'no-route',
    number: 3,
    says: `${says}: fence_virtd cannot call ${name} back`,
    cure: { says: 'set the route over the bridge', command: argv.join(' '), where: 'dom0', change: command(argv) },
  };
}

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
