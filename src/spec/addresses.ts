import ipaddr from 'ipaddr.js';

/** An IPv4 subnet as plain numbers, so that counting in it is arithmetic. */
export interface Subnet {
  readonly network: number;
  readonly broadcast: number;
  readonly prefix: number;
}

/** Four decimal parts and nothing else: no leading zeros, which some programs read as octal. */
export function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) && ipaddr.IPv4.parse(text).toString() === text;
}

/** `225.0.0.12` → true: an address of 224.0.0.0/4. */
export function isMulticast(text: string): boolean {
  return isAddress(text) && ipaddr.IPv4.parse(text).range() === 'multicast';
}

/** `192.168.77.1` → 3232255233. The address must be valid. */
export function toNumber(address: string): number {
  return ipaddr.IPv4.parse(address)
    .toByteArray()
    .reduce((number, byte) => number * 256 + byte, 0);
}

/** 3232255233 → `192.168.77.1`. */
export function toAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}

/**
 * The subnet that `192.168.77.9/24` lies in, or undefined: not ADDRESS/PREFIX, a prefix that leaves no room for dom0 and a
 * guest (8 to 30 do), or addresses that no network card may have (loopback, multicast, link-local, reserved).
 */
export function parseSubnet(text: string): Subnet | undefined {
  const [address = '', digits = '', ...rest] = text.split('/');
  const prefix = Number(digits);
  if (!isAddress(address) || !/^\d{1,2}$/.test(digits) || rest.length > 0 || prefix < 8 || prefix > 30)
    return undefined;
  if (!['private', 'unicast', 'carrierGradeNat'].includes(ipaddr.IPv4.parse(address).range())) return undefined;
  const size = 2 ** (32 - prefix);
  const network = toNumber(address) - (toNumber(address) % size);
  return { network, broadcast: network + size - 1, prefix };
}

/** `192.168.77.0/24`. */
export function showSubnet({ network, prefix }: Subnet): string {
  return `${toAddress(network)}/${prefix}`;
}

/** 24 → `255.255.255.0`. */
export function netmaskOf(prefix: number): string {
  return toAddress((2 ** 32 - 2 ** (32 - prefix)) >>> 0);
}

/** dom0's own address on the bridge: the subnet's first. */
export function dom0Address(subnet: Subnet): string {
  return toAddress(subnet.network + 1);
}

/**
 * `count` addresses for guests: from the eleventh of the subnet up, then the ones below it; none of `taken`, never dom0's.
 * Fewer if the subnet has no more.
 */
export function freeAddresses({ network, broadcast }: Subnet, taken: readonly string[], count: number): string[] {
  const free: string[] = [];
  const used = new Set(taken);
  const take = (from: number, to: number) => {
    for (let number = from; number < Math.min(to, broadcast) && free.length < count; number++) {
      if (!used.has(toAddress(number))) free.push(toAddress(number));
    }
  };
  take(network + 11, broadcast);
  take(network + 2, network + 11);
  return free;
}
