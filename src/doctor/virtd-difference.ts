import { virtdOf } from '../fencing/virtd.ts';
import { readFenceVirtConf } from '../formats/fence-virt-conf.ts';
import { sectionAt } from '../formats/section.ts';
import type { Lab } from '../spec/lab.ts';
import { type Cause, chaptersAgain } from './probe.ts';

export const asLabWritesIt = chaptersAgain('write its configuration anew and start it again', '7');

/**
 * What fence_virtd is told, against lab.yaml: the first thing that differs.
 * @throws BadInput if the text is no fence_virt.conf
 */
export function difference(lab: Lab, text: string): Cause | undefined {
  const root = readFenceVirtConf(text, virtdOf(lab).conf);
  const daemon = sectionAt(root, 'fence_virtd')?.values;
  const listener = sectionAt(root, 'listeners', 'multicast')?.values;
  const value = (name: string, usual: string) => listener?.get(name) ?? usual;
  const is = (name: string, what: string, found: string, wanted: string, number?: number): Cause => ({
    name,
    ...(number === undefined ? {} : { number }),
    says: `fence_virtd is told the ${what} ${found || '(none)'}, and the lab has ${wanted}`,
    cure: asLabWritesIt,
  });
  const { address, port, key } = lab.fencing;
  if (daemon?.get('listener') !== 'multicast')
    return is('other-listener', 'listener', daemon?.get('listener') ?? '', 'multicast');
  if (daemon.get('backend') !== 'libvirt')
    return is('other-backend', 'backend', daemon.get('backend') ?? '', 'libvirt', 8);
  const uri = sectionAt(root, 'backends', 'libvirt')?.values.get('uri');
  if (!isXen(uri)) return wrongUri(uri);
  if (value('interface', '') !== lab.network.bridge)
    return is('listens-elsewhere', 'interface', value('interface', ''), lab.network.bridge, 6);
  if (value('address', '225.0.0.12') !== address)
    return is('address-differs', 'multicast address', value('address', '225.0.0.12'), address);
  if (value('port', '1229') !== String(port)) return is('port-differs', 'port', value('port', '1229'), String(port));
  const family = address.includes(':') ? 'ipv6' : 'ipv4';
  if (value('family', 'ipv4') !== family) return is('wrong-family', 'address family', value('family', ''), family, 10);
  if (value('key_file', '/etc/cluster/fence_xvm.key') !== key)
    return is('key-path-differs', 'key file', value('key_file', ''), key);
  return hashDifference(value('hash', 'sha256'), value('auth', 'sha256'));
}

/** The client signs with SHA-256. A daemon that asks for less takes that; one that asks for more, or challenges otherwise, does not. */
function hashDifference(hash: string, auth: string): Cause | undefined {
  if (hash !== 'sha512' && auth === 'sha256') return undefined;
  return hashesDiffer(`fence_virtd asks for ${hash} and challenges with ${auth}; the guests have sha256`);
}

/** Also what the path shows, when one side finds the other's hash too weak. */
export const hashesDiffer = (says: string): Cause => ({
  name: 'hash-differs',
  number: 10,
  says,
  cure: asLabWritesIt,
});

/** libvirt's URIs of Xen (libvirt, drvxen). */
const isXen = (uri: string | undefined): boolean => /^xen:\/\/(\/|\/system)?$/.test(uri ?? '');

const wrongUri = (uri: string | undefined): Cause => ({
  name: 'wrong-uri',
  number: 8,
  says: `fence_virtd is told to ask ${uri ?? 'qemu:///system (its default)'}, where no Xen guest is`,
  cure: asLabWritesIt,
});
