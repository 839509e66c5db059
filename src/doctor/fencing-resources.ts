import { configurationOf } from '../formats/cib.ts';
import { children, descend, type Element } from '../formats/xml.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import { fromPacemaker } from './pacemaker.ts';
import { fencerIsLost, restart } from '../stacks/pacemaker-fencer.ts';
import { askGuests, type Cause, broken, chaptersAgain, holds, type Probe, probe, unknown } from './probe.ts';

const configureIt = chaptersAgain('configure fencing as lab does', '9');

/** What the cluster's configuration (`cibadmin -Q`) says of fencing. */
interface Configured {
  property(name: string): string | undefined;
  /** The parameters of each stonith resource, by its id. */
  readonly devices: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

function readFencing(cib: string): Configured {
  const configuration = configurationOf(cib);
  const pairs = (parent: Element | undefined, set: string) =>
    children(parent, set)
      .flatMap((at) => children(at, 'nvpair'))
      .map((at) => [at.attributes.name ?? '', at.attributes.value ?? ''] as const);
  const options = new Map(pairs(children(configuration, 'crm_config')[0], 'cluster_property_set'));
  const resources = configuration && descend(configuration, 'resources');
  const stonith = children(resources, 'primitive').filter((at) => at.attributes.class === 'stonith');
  return {
    property: (name) => options.get(name),
    devices: new Map(stonith.map((at) => [at.attributes.id ?? '', new Map(pairs(at, 'instance_attributes'))])),
  };
}

/** The device that can fence a guest: pcmk_host_map or pcmk_host_list; lab calls it fence-GUEST. */
function deviceFor({ devices }: Configured, { name }: Guest): string | undefined {
  const covers = (values: ReadonlyMap<string, string>) =>
    [values.get('pcmk_host_map'), values.get('pcmk_host_list')].some((text) =>
      (text ?? '').split(/[;,\s]+/).some((host) => host.split(':')[0] === name),
    );
  return [...devices].find(([id, values]) => id === `fence-${name}` || covers(values))?.[0];
}

/** Fencing is on; each guest has a device, with the lab's key and address, that runs on another node. */
export const fencingRuns = (lab: Lab): Probe =>
  probe('fencing resources', async (look) => {
    const found = await fromPacemaker(lab, look);
    if ('silent' in found) return unknown(found.silent);
    const fencing = readFencing(found.cib);
    const enabled = fencing.property('stonith-enabled') ?? 'true';
    if (!['true', 'yes', 'on', '1', 'y'].includes(enabled.toLowerCase())) {
      const says = `stonith-enabled is ${enabled}`;
      return broken(says, { name: 'stonith-disabled', says: `${says}: the cluster fences nobody`, cure: configureIt });
    }
    const saw: string[] = [];
    for (const guest of lab.guests) {
      const id = deviceFor(fencing, guest);
      const where = id === undefined ? undefined : found.state.started.get(id);
      saw.push(`${id ?? `none for ${guest.name}`}${id ? (where ? ` on ${where}` : ' stopped') : ''}`);
      const cause = deviceCause(lab, guest, id, id ? fencing.devices.get(id) : undefined, where, found.state.failed);
      if (cause) return broken(saw.join(', '), cause);
    }
    const { answers } = await askGuests(lab, look, async (guest) => fencerIsLost(look.on(guest.name)));
    const lost = answers.find(({ answer }) => answer)?.guest.name;
    if (lost !== undefined) return broken(saw.join(', '), fencerLost(lost));
    return holds(saw.join(', '), 'each guest is fenced by another');
  });

/** It fences by name, and not by node id, which is how dlm_controld asks: the shared disk would stand still. */
const fencerLost = (guest: string): Cause => ({
  name: 'fencer-without-configuration',
  says: `the fencer of ${guest} gave up asking for the cluster’s configuration when it started: dlm would wait for ever after a fencing`,
  cure: { says: 'start it again', command: restart.argv.join(' '), where: guest, change: restart },
});

function deviceCause(
  lab: Lab,
  { name }: Guest,
  id: string | undefined,
  values: ReadonlyMap<string, string> | undefined,
  where: string | undefined,
  failed: readonly string[],
): Cause | undefined {
  if (id === undefined || !values) {
    return { name: 'fencing-resource-missing', says: `no resource can fence ${name}`, cure: configureIt };
  }
  const { key, address, port } = lab.fencing;
  const wanted = [
    ['key_file', key, '/etc/cluster/fence_xvm.key'],
    ['multicast_address', address, '225.0.0.12'],
    ['ipport', String(port), '1229'],
  ] as const;
  const other = wanted.find(([parameter, value, usual]) => (values.get(parameter) ?? usual) !== value);
  if (other) {
    const says = `${id} has ${other[0]} ${values.get(other[0]) ?? other[2]}, and the lab ${other[1]}`;
    return { name: 'fencing-parameters-differ', says, cure: configureIt };
  }
  if (where === undefined) {
    return {
      name: 'fencing-resource-stopped',
      says: [`${id} does not run`, ...failed].join('; '),
      cure: { says: 'let the cluster try again', command: `lab ssh ${lab.guests[0]?.name} -- crm_resource --cleanup` },
    };
  }
  if (where !== name || lab.guests.length === 1) return undefined;
  return { name: 'fencing-on-itself', says: `${id} runs on the node that it fences`, cure: configureIt };
}

/** `120s`, `2min`, `500ms`, `30` (pacemaker's time specification) in seconds. */
export function seconds(text: string | undefined): number {
  const [, number = '0', unit = 's'] = /^\s*(\d+)\s*(ms|msec|us|min|m|h|hr|s|sec)?\s*$/.exec(text ?? '') ?? [];
  const factor: Readonly<Record<string, number>> = {
    ms: 1e-3,
    msec: 1e-3,
    us: 1e-6,
    m: 60,
    min: 60,
    h: 3600,
    hr: 3600,
  };
  return Number(number) * (factor[unit] ?? 1);
}

/** Of two nodes that lose each other, one must wait, or both are fenced; and the cluster must wait longer than the agent. */
export const delaysAndTimeOuts = (lab: Lab): Probe =>
  probe('delays and time-outs', async (look) => {
    const found = await fromPacemaker(lab, look);
    if ('silent' in found) return unknown(found.silent);
    const fencing = readFencing(found.cib);
    const devices = lab.guests.flatMap((guest) => {
      const id = deviceFor(fencing, guest);
      const values = id === undefined ? undefined : fencing.devices.get(id);
      return values ? [{ guest, values }] : [];
    });
    if (devices.length < lab.guests.length) return unknown('a fencing resource is missing');
    const delays = devices.map(({ values }) => seconds(values.get('pcmk_delay_base')));
    const random = devices.some(({ values }) => seconds(values.get('pcmk_delay_max')) > 0);
    const priority = seconds(fencing.property('priority-fencing-delay')) > 0;
    const saw = `delays ${devices.map(({ guest }, n) => `${guest.name} ${delays[n]} s`).join(', ')}`;
    if (lab.guests.length === 2 && new Set(delays).size < 2 && !random && !priority) {
      return broken(saw, {
        name: 'no-delay',
        number: 12,
        says: 'both nodes would fence each other at the same moment: neither waits',
        cure: configureIt,
      });
    }
    const whole = seconds(fencing.property('stonith-timeout') ?? '60s');
    const longest = Math.max(
      ...devices.map(({ values }, n) => seconds(values.get('timeout') ?? '30') + (delays[n] ?? 0)),
    );
    const times = `${saw}; the agent takes ${longest} s at most, the cluster waits ${whole} s`;
    if (longest < whole) return holds(times, 'one node survives a split, and nobody gives up too early');
    return broken(times, {
      name: 'time-out-too-short',
      number: 12,
      says: `stonith-timeout is ${whole} s, and fence_xvm with its delay may take ${longest} s`,
      cure: configureIt,
    });
  });
