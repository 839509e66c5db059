import { BadUsage, type Call, fail, getopt, type Handler, ok } from './call.ts';
import { bootLayer, type Card, cardsOf, guestsOf } from './guests.ts';
import { addressFor } from './red-hat/ifcfg.ts';
import { isRedHat, releaseOf } from './red-hat/release.ts';
import { hostKeyOf, keyTypesOf } from './ssh-keys.ts';
import type { Machine, World } from './world.ts';

/** Network cards of any machine. Those of dom0 are in its /sys, their addresses in the files of ifupdown, or RHEL's. */
function interfacesOf(machine: Machine): readonly Card[] {
  if (machine.running) return cardsOf(machine);
  const directory = '/sys/class/net';
  const configuration = machine.tree.text('/etc/network/interfaces') ?? '';
  return (machine.tree.list(directory) ?? []).map((device) => ({
    device,
    mac: machine.tree.text(`${directory}/${device}/address`)?.trim() ?? '',
    bridge: machine.tree.has(`${directory}/${device}/bridge`) ? device : '',
    address: isRedHat(machine.tree)
      ? addressFor(machine.tree, device, '')
      : new RegExp(`^iface ${device} inet static\\n(?:\\s.*\\n)*?\\s+address (\\S+)`, 'm').exec(configuration)?.[1],
  }));
}

/** IPv4 addresses of a machine, less the loopback one. */
export function addressesOf(machine: Machine): readonly string[] {
  return interfacesOf(machine).flatMap(({ address }) => (address === undefined ? [] : [address.split('/')[0] ?? '']));
}

/** The guest that answers at an address on dom0's bridges, once its kernel has brought the card up. */
export function guestAt(world: World, address: string): Machine | undefined {
  return guestsOf(world).find(
    (guest) => guest.running && bootLayer(world, guest.running) !== 'kernel' && addressesOf(guest).includes(address),
  );
}

const loopback = { device: 'lo', mac: '00:00:00:00:00:00', bridge: '', address: '127.0.0.1/8' };

/** ip(8): `-o [-4] link|address show [dev X] [type bridge]`, and `link set dev X type bridge mcast_querier 1`. */
const ip: Handler = (call) => {
  const { machine, args } = call;
  const words = args.filter((arg) => !arg.startsWith('-'));
  const flags = args.filter((arg) => arg.startsWith('-'));
  const wrong = flags.find((flag) => !['-o', '-4', '-oneline'].includes(flag));
  if (wrong !== undefined) return fail(255, `Option "${wrong}" is unknown, try "ip -help".`);
  const [object = '', verb = 'show', ...rest] = words;
  // iproute of 2006 takes `type` for the name of a device, and what comes after it for a second one.
  if (rest.includes('type') && isRedHat(machine.tree))
    return fail(255, `Error: either "dev" is duplicate, or "${rest[rest.indexOf('type') + 1]}" is a garbage.`);
  if (object === 'link' && verb === 'set') return setLink(call, rest);
  const wantsAddress = ['address', 'addr', 'a'].includes(object);
  if (verb !== 'show' || !(wantsAddress || object === 'link'))
    throw new BadUsage(`ip ${words.join(' ')} is not simulated`);
  const said = new Map(Array.from({ length: rest.length / 2 }, (_, n) => [rest[2 * n], rest[2 * n + 1]]));
  for (const key of said.keys()) if (key !== 'dev' && key !== 'type') throw new BadUsage(`"${key}" is not simulated`);
  const all = [loopback, ...interfacesOf(machine)].map((card, n) => ({ ...card, n: n + 1 }));
  const device = said.get('dev');
  const found = all.filter((card) => device === undefined || card.device === device);
  if (found.length === 0) return fail(1, `Device "${device}" does not exist.`);
  const isBridge = (name: string) => machine.tree.has(`/sys/class/net/${name}/bridge`);
  const shown = found.filter(({ device: name }) => said.get('type') === undefined || isBridge(name));
  const oneLine = flags.some((flag) => flag.startsWith('-o'));
  const lines = shown.flatMap(({ n, device: name, mac, address }) => {
    if (wantsAddress && !oneLine)
      return [
        `${n}: ${name}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000`,
        `    link/${name === 'lo' ? 'loopback' : 'ether'} ${mac} brd ff:ff:ff:ff:ff:ff`,
        ...(address === undefined ? [] : [`    inet ${address} scope global ${name}`]),
      ];
    if (wantsAddress)
      return address === undefined
        ? []
        : [`${n}: ${name}    inet ${address} scope global ${name}\\       valid_lft forever preferred_lft forever`];
    return [
      `${n}: ${name}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\\    link/${name === 'lo' ? 'loopback' : 'ether'} ${mac} brd ff:ff:ff:ff:ff:ff`,
    ];
  });
  return ok(lines.map((line) => `${line}\n`).join(''));
};

function setLink({ machine }: Call, words: readonly string[]) {
  const [dev, device = '', type, bridge, option = '', value = ''] = words;
  if (dev !== 'dev' || type !== 'type' || bridge !== 'bridge' || !/^mcast_(querier|snooping)$/.test(option))
    throw new BadUsage(`ip link set ${words.join(' ')} is not simulated`);
  const directory = `/sys/class/net/${device}/bridge`;
  if (!machine.tree.has(`/sys/class/net/${device}`)) return fail(1, `Cannot find device "${device}"`);
  if (!machine.tree.has(directory)) return fail(2, 'RTNETLINK answers: Operation not supported');
  machine.tree.write(`${directory}/multicast_${option.slice('mcast_'.length)}`, `${value}\n`);
  return ok();
}

const ping: Handler = ({ world, args }) => {
  const options = getopt(args, ['-q', '-n'], ['-c', '-W', '-w', '-I']);
  const [address = ''] = options.rest;
  const answers = guestAt(world, address) !== undefined || addressesOf(world.dom0).includes(address);
  const head = `PING ${address} (${address}) 56(84) bytes of data.\n`;
  const tail = (received: number, loss: number) =>
    `\n--- ${address} ping statistics ---\n1 packets transmitted, ${received} received, ${loss}% packet loss, time 0ms\n`;
  if (!answers) return { code: 1, stdout: head + tail(0, 100) };
  return ok(`${head}64 bytes from ${address}: icmp_seq=1 ttl=64 time=0.412 ms\n${tail(1, 0)}`);
};

const sshKeyscan: Handler = ({ world, machine, args }) => {
  const options = getopt(args, [], ['-T', '-t', '-p']);
  const [address = ''] = options.rest;
  const guest = guestAt(world, address);
  const type = options.value('-t') ?? 'ed25519';
  const old = isRedHat(machine.tree);
  if (!keyTypesOf(machine.tree).includes(type)) return fail(1, `Unknown key type ${type}`);
  const key = guest && listensOn22(world, guest) ? hostKeyOf(guest.tree, type) : undefined;
  if (key === undefined || !guest) return { code: old ? 0 : 1 };
  const banner = isRedHat(guest.tree) ? releaseOf(guest.tree).ssh : 'OpenSSH_9.2p1 Debian-2+deb12u7';
  return ok(
    `${address} ssh-${type} ${key}\n`,
    old ? `# ${address} SSH-2.0-${banner}\n` : `# ${address}:22 SSH-2.0-${banner}\n`,
  );
};

/** sshd answers: it is started late in the boot, and not without a host key. */
export function listensOn22(world: World, guest: Machine): boolean {
  const late = guest.running && ['sshd', 'booted'].includes(bootLayer(world, guest.running));
  const runs = (guest.state.services.ssh ?? guest.state.services.sshd)?.active === 'active';
  return Boolean(late) && runs && keyTypesOf(guest.tree).some((type) => hostKeyOf(guest.tree, type) !== undefined);
}

const ss: Handler = ({ machine, args }) => {
  const options = getopt(args, ['-l', '-n', '-u', '-t', '-p']);
  const listening = Object.values(machine.state.services).filter(
    ({ active, listener, xvmd }) => active === 'active' && listener && !xvmd,
  );
  const header = 'State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n';
  if (!options.has('-u')) return ok(header);
  const lines = listening.map(({ pid, listener }) => {
    const users = options.has('-p') ? `users:(("fence_virtd",pid=${pid},fd=6))` : '';
    return `UNCONN 0      0            0.0.0.0:${listener?.port}      0.0.0.0:*    ${users}\n`;
  });
  return ok(header + lines.join(''));
};

export const net: Readonly<Record<string, Handler>> = { ip, ping, ss, 'ssh-keyscan': sshKeyscan };
