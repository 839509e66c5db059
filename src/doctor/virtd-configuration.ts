import { virtdOf } from '../fencing/virtd.ts';
import { readFenceVirtConf } from '../formats/fence-virt-conf.ts';
import { sectionAt } from '../formats/section.ts';
import type { Lab } from '../spec/lab.ts';
import { textOf } from '../steps/file-content.ts';
import { unitState } from '../steps/service.ts';
import { broken, type Cause, holds, type Probe, probe } from './probe.ts';
import { again, asLabWritesIt, isXen, wrongUri } from './virtd.ts';

/** What fence_virtd is told, against lab.yaml; and whether it was told before it started. */
export const virtdConfigured = (lab: Lab): Probe =>
  probe('configuration', async (look) => {
    const dom0 = look.on('dom0');
    const { unit, conf: path } = virtdOf(lab);
    const [conf, { started, active }, written] = await Promise.all([
      dom0.readFile(path).then(textOf),
      unitState(dom0, unit),
      dom0.read(['stat', '-c', '%.3Y', path]),
    ]);
    if (conf === undefined) {
      const says = `dom0 has no ${path}`;
      return broken(says, { name: 'not-configured', says, cure: asLabWritesIt });
    }
    const wrong = difference(lab, conf);
    if (wrong) return broken(wrong.says, wrong);
    if (active === 'active' && Number(written.stdout) > started) {
      const says = `${path} was written after fence_virtd was started`;
      return broken(says, { name: 'daemon-stale', says: `${says}: it has not read it`, cure: again(lab) });
    }
    const { bridge } = lab.network;
    return holds(
      `multicast ${lab.fencing.address}:${lab.fencing.port} on ${bridge}, libvirt at xen:///system`,
      'as the guests ask, and read by the daemon that runs',
    );
  });

function difference(lab: Lab, text: string): Cause | undefined {
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
