import { type Change, wait } from '../model/change.ts';
import { NotYet, Unreachable } from '../model/errors.ts';
import type { Look, Settle } from '../model/step.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import { dom0Paths } from '../spec/paths.ts';
import { systemOf } from '../systems/index.ts';

/** How long a guest may take to boot on the reference machine (ms). Measured there: 50–95 s without KVM. */
const bootLimit = 240_000;

/** What is still missing of a guest whose domain runs: nothing, or a wait. */
export async function missingOfBoot(look: Look, lab: Lab, guest: Guest): Promise<readonly Change[]> {
  if ((await bootState(look, lab, guest))?.done) return [];
  return [wait(`wait for ${guest.name} to boot`)];
}

/** How far the boot is; undefined while the guest does not answer. */
async function bootState(look: Look, lab: Lab, guest: Guest) {
  try {
    return await systemOf(lab).bootState(look.on(guest.name));
  } catch (error) {
    if (error instanceof Unreachable || error instanceof NotYet) return undefined;
    throw error;
  }
}

/**
 * The wait for a guest, in layers: domain, bridge, TCP 22, ssh, boot finished. A time-out names the first that does not hold.
 * @param alive whether the domain runs, asked on dom0
 * @param freeMemory MiB that Xen has left: without them a domain cannot be made, and libvirt does not say that it was this
 */
export function bootSettles(
  lab: Lab,
  guest: Guest,
  alive: (look: Look) => Promise<boolean>,
  freeMemory: (look: Look) => Promise<number>,
): Settle {
  return {
    within: bootLimit,
    hint: `watch it boot: lab console ${guest.name}; then run lab up again`,
    state: (look) => stage(look, lab, guest),
    watch: (look) => bootEnds(look, lab, guest),
    async diagnose(look) {
      const [reached, console] = await Promise.all([
        layer(look, lab, guest, alive),
        look.host.read(['tail', '-n', '15', `/var/log/xen/console/guest-${guest.name}.log`]),
      ]);
      const free = await freeMemory(look).catch(() => Number.NaN);
      return [
        `layer: ${reached}`,
        ...(free < guest.memoryMiB
          ? [`Xen has ${free} MiB of memory free; ${guest.name} wants ${guest.memoryMiB}`]
          : []),
        ...(console.code === 0 ? ['last lines of its console:', ...console.stdout.trimEnd().split('\n')] : []),
      ];
    },
  };
}

/** How far it seems to be, asked with little: dom0 and the guests have to boot on the same processors. */
async function stage(look: Look, lab: Lab, guest: Guest): Promise<string> {
  if (!(await answers(look, guest))) return `${guest.address} does not answer yet`;
  const state = await bootState(look, lab, guest);
  return state === undefined ? `${guest.address} answers; no login yet` : `logged in; boot: ${state.says}`;
}

async function bootEnds(look: Look, lab: Lab, guest: Guest): Promise<boolean> {
  const { bootEnds } = systemOf(lab);
  return bootEnds !== undefined && (await look.on(guest.name).read(bootEnds)).code !== 127;
}

const answers = async ({ host }: Look, { address }: Guest) =>
  (await host.read(['ping', '-c', '1', '-W', '1', address])).code === 0;

/** The first layer that does not hold. */
async function layer(look: Look, lab: Lab, guest: Guest, alive: (look: Look) => Promise<boolean>): Promise<string> {
  const [running, ping, port] = await Promise.all([
    alive(look),
    look.host.read(['ping', '-c', '1', '-W', '2', guest.address]),
    look.host.read(['ssh-keyscan', '-T', '3', '-t', dom0Paths(lab).keyType, guest.address]),
  ]);
  if (!running) return 'the domain does not run';
  if (ping.code !== 0) return `the domain runs; ${guest.address} does not answer on the bridge`;
  if (port.stdout.trim() === '') return `${guest.address} answers; nothing on its TCP port 22`;
  const state = await bootState(look, lab, guest);
  return state === undefined ? 'sshd answers; no login' : `logged in; boot: ${state.says}`;
}
