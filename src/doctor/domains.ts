import { readDomainXml } from '../formats/domain-xml.ts';
import { command } from '../model/change.ts';
import type { Reader } from '../model/host.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import { domainDefinitions, domainStates, isAlive, virsh } from '../toolstacks/virsh.ts';
import { broken, type Cause, chaptersAgain, firstLine, holds, names, type Probe, probe, unknown } from './probe.ts';

/** Everything that fence_virtd does, it does through libvirt: does that answer? It may be started by its socket, so it is asked. */
export const libvirtAnswers: Probe = probe('libvirt', async (look) => {
  const { code, stdout, stderr } = await look.on('dom0').read(virsh('list', '--all'));
  if (code === 0) {
    const count = stdout.match(/^ *(\d+|-) /gm)?.length ?? 0;
    return holds(`xen:///system answers, domains: ${count}`, 'fence_virtd can act');
  }
  const saw = `virsh list: ${firstLine(stderr) || `exit code ${code}`}`;
  if (code === 127) {
    return broken(saw, {
      name: 'libvirt-missing',
      says: 'libvirt is not installed on dom0',
      cure: { says: 'lab up installs what dom0 needs', command: 'lab up' },
    });
  }
  if (/no connection driver|no hypervisor driver|unable to connect to (xen|libxl)/i.test(stderr)) {
    return broken(saw.replace('failed to connect to the hypervisor', 'no driver for xen:///system'), {
      name: 'libvirt-driver-missing',
      number: 8,
      says: 'libvirt on dom0 has no driver for Xen',
      cure: {
        says: 'install the driver, and start libvirtd again',
        command: 'apt-get install libvirt-daemon-driver-xen && systemctl restart libvirtd',
        where: 'dom0',
      },
    });
  }
  return broken(saw, {
    name: 'libvirtd-down',
    says: 'libvirtd does not answer on dom0, and fence_virtd does all through it',
    cure: {
      says: 'start libvirtd',
      command: 'systemctl start libvirtd',
      where: 'dom0',
      change: command(['systemctl', 'start', 'libvirtd']),
    },
  });
});

/** Domain ids of what runs, by name: `xl list` sees also what libvirt does not. */
async function xlDomains(dom0: Reader): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await dom0.read(['xl', 'list']);
  return new Map([...stdout.matchAll(/^(\S+)\s+(\d+)\s+\d+\s+\d+\s/gm)].map(([, name = '', id = '']) => [name, id]));
}

/** Each guest is a domain of libvirt, with the right uuid, and runs. */
export const guestsRun = (lab: Lab): Probe =>
  probe('guests', async (look) => {
    const dom0 = look.on('dom0');
    const [states, running, definitions] = await Promise.all([
      domainStates(dom0),
      xlDomains(dom0),
      domainDefinitions(dom0),
    ]);
    const saw = lab.guests
      .map(({ name }) => `${name} ${states.get(name) ?? (running.has(name) ? 'only known to xl' : 'absent')}`)
      .join(', ');
    for (const guest of lab.guests) {
      const xml = definitions.get(guest.name);
      const cause = guestCause(guest, states.get(guest.name), running.has(guest.name), xml);
      if (cause) return broken(saw, cause);
    }
    return holds(saw, 'fence_virtd can see and power them');
  });

function guestCause(
  { name, uuid }: Guest,
  state: string | undefined,
  inXen: boolean,
  xml: string | undefined,
): Cause | undefined {
  // libvirt may know the domain too, and not that it runs.
  if ((state === undefined || state === 'shut off') && inXen) {
    return {
      name: 'made-by-xl',
      number: 9,
      says: `${name} was made by xl create: libvirt does not know that it runs, so fence_virtd cannot fence it`,
      cure: {
        says: 'shut it down, and let lab define and start it in libvirt',
        command: `lab ssh ${name} -- poweroff; lab up --only 6`,
      },
    };
  }
  if (state === undefined) {
    return {
      name: 'guest-not-defined',
      number: 9,
      says: `${name} is no domain of this dom0 yet`,
      cure: { says: 'lab up goes on from where it is', command: 'lab up' },
    };
  }
  const found = xml === undefined ? undefined : readDomainXml(xml).uuid;
  if (found !== undefined && found !== uuid) {
    return {
      name: 'uuid-differs',
      number: 9,
      says: `the domain ${name} has the uuid ${found}, and lab.yaml says ${uuid}`,
      cure: { says: 'the domain is defined anew while it is off', command: 'lab down && lab up' },
    };
  }
  if (isAlive(state) && state !== 'paused') return undefined;
  if (state === 'crashed') {
    const cure = chaptersAgain('power it off, and start it', '6');
    return { name: 'guest-crashed', says: `${name} crashed (its console: lab console ${name})`, cure };
  }
  const argv = state === 'paused' ? virsh('resume', name) : virsh('start', name);
  return {
    name: state === 'paused' ? 'guest-paused' : 'guest-off',
    says: `${name} is ${state}`,
    cure: {
      says: state === 'paused' ? 'let it go on' : 'start it',
      command: argv.join(' '),
      where: 'dom0',
      change: command(argv),
      until: 'addresses',
    },
  };
}

/** The cards of the guests that run are ports of the bridge. */
export const cardsOnBridge = (lab: Lab): Probe =>
  probe('cards', async (look) => {
    const dom0 = look.on('dom0');
    const { bridge } = lab.network;
    const [definitions, running, ports, devices] = await Promise.all([
      domainDefinitions(dom0, 'running'),
      xlDomains(dom0),
      dom0.list(`/sys/class/net/${bridge}/brif`),
      dom0.list('/sys/class/net'),
    ]);
    const alive = lab.guests.filter(({ name }) => running.has(name));
    for (const guest of alive) {
      const xml = definitions.get(guest.name);
      const card =
        xml === undefined
          ? undefined
          : readDomainXml(xml).interfaces.find(({ mac }) => mac === guest.mac.toLowerCase());
      const port = `vif${running.get(guest.name)}.0`;
      if (xml !== undefined && card?.bridge !== bridge) {
        const where = card ? `on ${card.bridge}` : `no card with the MAC ${guest.mac}`;
        return broken(`${guest.name}: ${where}`, {
          name: 'card-on-another-bridge',
          says: `${guest.name} was started with ${card ? `its card on ${card.bridge}, not on ${bridge}` : where}`,
          cure: { says: 'its domain is defined anew while it is off', command: 'lab down && lab up' },
        });
      }
      // A card with a name of its own (vifname) is not looked for.
      if (ports !== undefined && devices?.includes(port) && !ports.includes(port)) {
        return broken(`${bridge} has the ports ${ports.join(', ') || '(none)'}, not ${port} of ${guest.name}`, {
          name: 'card-on-another-bridge',
          says: `${port}, the card of ${guest.name}, is not attached to ${bridge}`,
          cure: {
            says: 'attach it',
            command: `ip link set dev ${port} master ${bridge}`,
            where: 'dom0',
            change: command(['ip', 'link', 'set', 'dev', port, 'master', bridge]),
          },
        });
      }
    }
    if (alive.length === 0) return unknown('no guest runs');
    return holds(`${names(alive)} on ${bridge}`, 'what they send comes by where the fencing host listens');
  });
