import { fingerprint } from '../../../model/fingerprint.ts';
import { BadUsage, fail, type Handler, ok, type Options } from '../call.ts';

import type { FenceListener, Service, Xvmd } from '../state.ts';
import type { Machine, World } from '../world.ts';
import { cmanOf, quorumOf } from './cman.ts';
import { hasRpm, rpmVersion } from './rpms.ts';
import { domainsOf } from './domains.ts';
import { readFlags, usage } from './xvmd-usage.ts';
import { argumentsText, keyText } from './xvm-text.ts';

/** fence_xvmd(8) without a shell around it. In the foreground it stays until somebody presses Control-C: nobody does. */
export const fenceXvmd: Handler = ({ world, machine, args, midway }) => {
  let options: Options;
  try {
    options = readFlags(machine, args);
  } catch (error) {
    if (!(error instanceof BadUsage)) throw error;
    return fail(1, `fence_xvmd: ${error.message}`, usage(machine));
  }
  if (options.has('-h', '-?')) return ok(usage(machine));
  if (options.has('-V')) return ok(`fence_xvmd ${rpmVersion(machine.tree, 'cman')}\n`);
  if (options.has('-f')) {
    const trouble = startXvmd(world, machine, args, { log: '/dev/null' });
    delete machine.state.services.fence_xvmd;
    return trouble === undefined ? { code: 130, seconds: 86_400 } : fail(1, trouble);
  }
  const trouble = startXvmd(world, machine, args, {});
  midway();
  return trouble === undefined ? ok() : fail(1, trouble);
};

/**
 * Starts it, with its output going to a file if it has one.
 * @returns why it ended at once
 */
export function startXvmd(
  world: World,
  machine: Machine,
  args: readonly string[],
  { log }: { log?: string },
): string | undefined {
  const { tree, state } = machine;
  let options: Options;
  const say = (text: string) => {
    if (log !== undefined && log !== '/dev/null') tree.append(log, text);
  };
  if (log !== undefined && log !== '/dev/null') tree.write(log, '');
  try {
    options = readFlags(machine, args);
  } catch (error) {
    if (!(error instanceof BadUsage)) throw error;
    say(`fence_xvmd: ${error.message}\n${usage(machine)}`);
    return `fence_xvmd: ${error.message}`;
  }
  const debug = options.count('-d');
  const keyFile = options.value('-k') ?? '/etc/cluster/fence_xvm.key';
  const foreground = options.has('-f');
  if (debug > 0) say(`Debugging threshold is now ${debug}\n`);
  if (debug > 2)
    say(argumentsText(options, { op: 2, flags: foreground ? 1 : 0, domain: '(null)', at: '0x7ffff6601e20' }));
  const key = tree.read(keyFile)?.subarray(0, 4096);
  const trouble = whyNot(machine, options, keyFile, key);
  if (trouble !== undefined || !key) {
    say(`${trouble}\n`);
    return trouble;
  }
  if (debug > 2) say(keyText(keyFile, key.length, '0x7ffff6600e20'));
  const listener: FenceListener = {
    address: options.value('-a') ?? '225.0.0.12',
    port: Number(options.value('-p') ?? 1229),
    interface: options.value('-I') ?? '',
    key: fingerprint(key),
    verbose: foreground && debug > 2,
  };
  const xvmd: Xvmd = { argv: ['fence_xvmd', ...args], alone: options.has('-L'), foreground, log, ready: false };
  const started = { pid: world.nextPid(), started: world.state.clock, since: Date.now() };
  state.services.fence_xvmd = { active: 'active', ...started, listener, xvmd };
  wakeXvmd(world, machine);
  return undefined;
}

function whyNot(machine: Machine, options: Options, keyFile: string, key: Buffer | undefined): string | undefined {
  const { tree, state } = machine;
  const device = options.value('-I');
  const uri = options.value('-U');
  if (!key || key.length === 0) return `Could not read ${keyFile}: No such file or directory`;
  if (state.services.fence_xvmd)
    return 'Failed to bind multicast receive socket to 225.0.0.12: Address already in use\nCheck network configuration.';
  if (device !== undefined && !tree.has(`/sys/class/net/${device}`))
    return `Failed to find interface ${device}: No such device`;
  if (uri !== undefined && !/^xen(:\/\/(\/|localhost\/?)?)?$/.test(uri))
    return `Error: unable to connect to hypervisor ${uri}`;
  return machine.name === 'dom0' && hasRpm(tree, 'xen') ? undefined : 'virConnectOpen: Connection refused';
}

/** Without -L it asks cman for its node id first, and waits; without -X it also asks ccsd, and cman is up then. */
export function wakeXvmd(world: World, machine: Machine): void {
  const service = machine.state.services.fence_xvmd;
  const xvmd = service?.xvmd;
  if (!service || !xvmd || xvmd.ready) return;
  const cman = cmanOf(machine);
  const isMember = cman?.fenceDomain === true && quorumOf(world, machine).quorate;
  if (!xvmd.alone && !isMember) return;
  if (machine.state.services.xend === undefined) return;
  // Whoever only looks writes nothing into its log.
  if (!world.changing) return;
  xvmd.ready = true;
  const id = cman?.nodes.find(({ name }) => name === cman.node)?.id ?? 1;
  tell(machine, service, `${xvmd.alone ? '\n' : 'Opened ckpt vm_states\n'}My Node ID = ${id}\n${table(world, id)}`);
}

/** Adds to what it prints, if it prints anything. */
export function tell({ tree }: Machine, { listener, xvmd }: Service, text: string): void {
  if (listener?.verbose && xvmd?.log !== undefined && xvmd.log !== '/dev/null') tree.append(xvmd.log, text);
}

function table(world: World, id: number): string {
  const number = String(id).padStart(5, '0');
  const domains = [{ name: 'Domain-0', uuid: '00000000-0000-0000-0000-000000000000' }, ...domainsOf(world)];
  const rows = domains.map(
    ({ name, uuid }) => `${name.padEnd(24)} ${uuid} ${number} ${name === 'Domain-0' ? '00001' : '00002'}\n`,
  );
  const header =
    'Domain                   UUID                                 Owner State\n------                   ----                                 ----- -----\n';
  return `${header}${rows.join('')}${domains
    .slice(1)
    .map(({ name }) => `Storing ${name}\n`)
    .join('')}`;
}

export function stopXvmd(_world: World, { state }: Machine): boolean {
  const there = state.services.fence_xvmd !== undefined;
  delete state.services.fence_xvmd;
  return there;
}
