import { command } from '../model/change.ts';
import type { HostName, Reader } from '../model/host.ts';
import type { Lab } from '../spec/lab.ts';
import { iptablesTable } from './firewall-iptables.ts';
import { nftTables } from './firewall-nft.ts';
import { type Fate, fateOf, type Packet } from './firewall.ts';
import { askGuests, broken, type Cause, type Cure, holds, names, type Probe, probe, unknown } from './probe.ts';

/** What the firewall of a host does with a packet; undefined if its rules cannot be listed. */
async function fate(host: Reader, packet: Packet): Promise<Fate | undefined> {
  const [nft, iptables] = await Promise.all([
    host.read(['nft', '-j', 'list', 'ruleset']),
    host.read(['iptables-save']),
  ]);
  // Without a program that makes rules there are none.
  if (nft.code === 127 && iptables.code === 127) return { is: 'in' };
  if (nft.code !== 0 && iptables.code !== 0) return undefined;
  const table = iptables.code === 0 ? iptablesTable(iptables.stdout, packet) : undefined;
  // The iptables of today keeps its rules in nft's table `ip filter`.
  const besides = (family: string, name: string) => table !== undefined && family === 'ip' && name === 'filter';
  const others = nft.code === 0 ? nftTables(nft.stdout, packet, besides) : [];
  return fateOf([...(table ? [table] : []), ...others]);
}

/** Requests come to dom0 by UDP multicast over the bridge. */
export const hostLetsIn = (lab: Lab): Probe =>
  probe('dom0 firewall', async (look) => {
    const { port } = lab.fencing;
    const found = await fate(look.on('dom0'), { protocol: 'udp', port, by: lab.network.bridge });
    if (!found) return unknown('the rules of dom0 cannot be listed');
    if (found.is === 'in') return holds(`nothing keeps out UDP ${port}`, 'requests reach the fencing host');
    const cause = hostBlocks(lab, found);
    return found.is === 'out'
      ? broken(`${found.says} keeps out UDP ${port}`, cause)
      : unknown(`${found.says} may keep out UDP ${port}`, cause);
  });

/** Answers come to a guest by TCP, from dom0. */
export const guestsLetIn = (lab: Lab): Probe =>
  probe('guest firewalls', async (look) => {
    const { port } = lab.fencing;
    const { answers, silent } = await askGuests(lab, look, (guest) => fate(guest, { protocol: 'tcp', port }));
    for (const { guest, answer } of answers) {
      if (!answer || answer.is === 'in') continue;
      const cause = guestBlocks(lab, guest.name, answer);
      const saw = `${guest.name}: ${answer.says}`;
      return answer.is === 'out'
        ? broken(`${saw} keeps out TCP ${port}`, cause)
        : unknown(`${saw} may keep out TCP ${port}`, cause);
    }
    const unseen = [...silent, ...answers.filter(({ answer }) => !answer).map(({ guest }) => guest)];
    if (unseen.length > 0) return unknown(`the rules of ${names(unseen)} cannot be listed`);
    return holds(`nothing keeps out TCP ${port}`, 'dom0 can call back');
  });

/** Removes the rule that speaks of the port; any other is somebody's policy, and gets an exception by hand. */
function open(where: HostName, packet: Packet, fate: Fate | undefined): Cure {
  const rule = fate?.is === 'out' ? fate.rule : undefined;
  if (rule?.aimed) {
    const says = 'remove exactly this rule';
    return { says, command: rule.remove.join(' '), where, change: command(rule.remove) };
  }
  const by = packet.by === undefined ? [] : ['-i', packet.by];
  const words = [
    'iptables',
    '-I',
    'INPUT',
    ...by,
    '-p',
    packet.protocol,
    '--dport',
    String(packet.port),
    '-j',
    'ACCEPT',
  ];
  return {
    says: 'let it in (with firewalld or ufw: in their words, or it is gone with the next reload)',
    command: words.join(' '),
    where,
  };
}

/** Also what the path shows: dom0 is in the group, and fence_virtd logs no request. */
export const hostBlocks = ({ fencing: { port }, network: { bridge } }: Lab, fate?: Fate): Cause => ({
  name: 'host-firewall',
  number: 1,
  says: `requests of the guests (UDP ${port} on ${bridge}) do not get through the firewall of dom0`,
  cure: open('dom0', { protocol: 'udp', port, by: bridge }, fate),
});

/** Also what the path shows: a request, and `Failed to call back`. */
export const guestBlocks = ({ fencing: { port } }: Lab, name: string, fate?: Fate): Cause => ({
  name: 'guest-firewall',
  number: 2,
  says: `${name} does not let dom0 call back (TCP ${port})`,
  cure: open(name, { protocol: 'tcp', port }, fate),
});

/** fence_xvm listens on this port for the call back: nobody else may. ss(8) -p names who does. */
export const portsFree = (lab: Lab): Probe =>
  probe('guest ports', async (look) => {
    const { port } = lab.fencing;
    const { answers, silent } = await askGuests(lab, look, (guest) => guest.read(['ss', '-ltnp']));
    for (const { guest, answer } of answers) {
      const line = answer.stdout.split('\n').find((text) => new RegExp(`^LISTEN\\s.*?[:\\]]${port}\\s`).test(text));
      const [, program, pid] = /users:\(\("([^"]+)",pid=(\d+)/.exec(line ?? '') ?? [];
      // The cluster's own fence_xvm has it for some seconds, once a minute.
      if (line === undefined || program === undefined || program === 'fence_xvm') continue;
      return broken(`${guest.name}: TCP ${port} is taken by ${program}`, portTaken(lab, guest.name, program, pid));
    }
    if (silent.length > 0) return unknown(`${names(silent)} cannot be asked`);
    return holds(`TCP ${port} is free in ${names(lab.guests)}`, 'fence_xvm can wait there for the call back');
  });

/** Also what the path shows, when fence_xvm says `Address already in use`. */
export const portTaken = ({ fencing: { port } }: Lab, guest: string, program?: string, pid?: string): Cause => ({
  name: 'guest-port-taken',
  says: `TCP ${port} of ${guest} is taken by ${program ?? 'another program'}, so dom0 calls back the wrong one`,
  cure: {
    says: `stop it, or give fencing another port in lab.yaml (fencing.port)`,
    command: pid === undefined ? `ss -ltnp` : `kill ${pid}`,
    where: guest,
  },
});
