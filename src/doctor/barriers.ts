import { command } from '../model/change.ts';
import type { HostName, Reader } from '../model/host.ts';
import type { Lab } from '../spec/lab.ts';
import { iptablesTable } from './firewall-iptables.ts';
import { nftTables } from './firewall-nft.ts';
import { type Fate, fateOf, type Packet } from './firewall.ts';
import {
  askGuests,
  broken,
  type Cause,
  type Cure,
  holds,
  names,
  type Probe,
  probe,
  type Seen,
  unknown,
} from './probe.ts';

/** What the firewall of a host does with packets; undefined if its rules cannot be listed. */
async function firewallOf(host: Reader): Promise<((packet: Packet) => Fate) | undefined> {
  const [nft, iptables] = await Promise.all([
    host.read(['nft', '-j', 'list', 'ruleset']),
    host.read(['iptables-save']),
  ]);
  // Without a program that makes rules there are none.
  if (nft.code === 127 && iptables.code === 127) return () => ({ is: 'through' });
  if (nft.code !== 0 && iptables.code !== 0) return undefined;
  return (packet) => {
    const table = iptables.code === 0 ? iptablesTable(iptables.stdout, packet) : undefined;
    // The iptables of today keeps its rules in nft's table `ip filter`.
    const besides = (family: string, name: string) => table !== undefined && family === 'ip' && name === 'filter';
    const others = nft.code === 0 ? nftTables(nft.stdout, packet, besides) : [];
    return fateOf([...(table ? [table] : []), ...others]);
  };
}

/** Requests come to dom0 by UDP multicast over the bridge. */
export const hostLetsIn = (lab: Lab): Probe =>
  probe('dom0 firewall', async (look) => {
    const { port } = lab.fencing;
    const fate = (await firewallOf(look.on('dom0')))?.({ protocol: 'udp', port, by: lab.network.bridge });
    if (!fate) return unknown('the rules of dom0 cannot be listed');
    if (fate.is === 'through') return holds(`nothing keeps out UDP ${port}`, 'requests reach the fencing host');
    return judged(fate, `keep out UDP ${port}`, hostBlocks(lab, fate));
  });

/** Requests leave a guest by UDP, answers come to it by TCP, from dom0. */
export const guestsLetPass = (lab: Lab): Probe =>
  probe('guest firewalls', async (look) => {
    const { port } = lab.fencing;
    const { answers, silent } = await askGuests(lab, look, firewallOf);
    const seen = answers.flatMap(({ guest: { name }, answer }) => {
      const out = answer?.({ protocol: 'udp', port, way: 'out' }) ?? through;
      const back = answer?.({ protocol: 'tcp', port }) ?? through;
      return [
        ...(out.is === 'through' ? [] : [judged(out, `keep in UDP ${port}`, guestKeepsIn(lab, name, out), name)]),
        ...(back.is === 'through' ? [] : [judged(back, `keep out TCP ${port}`, guestBlocks(lab, name, back), name)]),
      ];
    });
    const worst = seen.find(({ state }) => state === 'broken') ?? seen[0];
    if (worst) return worst;
    const unseen = [...silent, ...answers.filter(({ answer }) => !answer).map(({ guest }) => guest)];
    if (unseen.length > 0) return unknown(`the rules of ${names(unseen)} cannot be listed`);
    return holds(`nothing keeps in UDP ${port} or out TCP ${port}`, 'requests leave, and dom0 can call back');
  });

type Hindered = Exclude<Fate, { readonly is: 'through' }>;
const through: Fate = { is: 'through' };

/** @param keeps what it does to the packet: `keep out UDP 1229` */
function judged(fate: Hindered, keeps: string, cause: Cause, name?: string): Seen {
  const saw = name === undefined ? fate.says : `${name}: ${fate.says}`;
  return fate.is === 'stopped'
    ? broken(`${saw} ${keeps.replace('keep', 'keeps')}`, cause)
    : unknown(`${saw} may ${keeps}`, cause);
}

/**
 * Removes the rule that speaks of the port; any other is somebody's policy, and gets an exception by hand, in the very table
 * that drops: what one table accepts the next may still drop. Without a rule there is only a search to type.
 */
function open(where: HostName, fate: Hindered | undefined): Cure {
  if (!fate) {
    const says = 'no rule is known that does it: look for one that drops, in all tables, also those of tc(8)';
    return { says, command: 'nft list ruleset; iptables-save; tc filter show', where };
  }
  const rule = fate.is === 'stopped' ? fate.rule : undefined;
  if (rule?.aimed) {
    const says = 'remove exactly this rule';
    return { says, command: rule.remove.join(' '), where, change: command(rule.remove) };
  }
  return {
    says: 'let it through where it is dropped (with firewalld or ufw: in their words, or it is gone with the next reload)',
    command: fate.exception.join(' '),
    where,
  };
}

const by = (fate: Hindered | undefined): string => (fate ? `: ${fate.says}` : '');

/** Also what the path shows, where rules cannot be listed: dom0 is in the group, and fence_virtd logs no request. */
export const hostBlocks = ({ fencing: { port }, network: { bridge } }: Lab, fate?: Hindered): Cause => ({
  name: 'host-firewall',
  number: 1,
  says: `requests of the guests (UDP ${port} on ${bridge}) do not get through the firewall of dom0${by(fate)}`,
  cure: open('dom0', fate),
});

/** Also what the path shows: a request, and `Failed to call back`. */
export const guestBlocks = ({ fencing: { port } }: Lab, name: string, fate?: Hindered): Cause => ({
  name: 'guest-firewall',
  number: 2,
  says: `${name} does not let dom0 call back (TCP ${port})${by(fate)}`,
  cure: open(name, fate),
});

/** Also what the path shows: fence_xvm prints `Unable to send packet to GROUP via ADDRESS`. */
export const guestKeepsIn = ({ fencing: { port } }: Lab, name: string, fate?: Hindered): Cause => ({
  name: 'guest-firewall-out',
  says: `${name} does not let its own requests out (UDP ${port})${by(fate)}`,
  cure: open(name, fate),
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
