import { Refused } from '../model/errors.ts';
import type { Argv, Reader } from '../model/host.ts';
import type { Lab } from '../spec/lab.ts';

/** What fence_xvmd and fence_xvm use if nothing else is said (fence_xvm(8)); the document says nothing else. */
const usual = { key: '/etc/cluster/fence_xvm.key', address: '225.0.0.12', port: 1229 };

/** Options of both ends of the path that differ from the usual. */
export function pathOptions({ fencing: { key, address, port } }: Pick<Lab, 'fencing'>): readonly string[] {
  return [
    ...(address === usual.address ? [] : ['-a', address]),
    ...(port === usual.port ? [] : ['-p', String(port)]),
    ...(key === usual.key ? [] : ['-k', key]),
  ];
}

/**
 * The flags that this fence_xvmd knows: asked from the program, since versions of 2006 to 2009 differ (-U and -I came in 2008,
 * -L and -X in between).
 */
async function knownFlags(host: Reader): Promise<ReadonlySet<string>> {
  const { stdout, stderr } = await host.read(['fence_xvmd', '-h']);
  return new Set([...`${stdout}${stderr}`.matchAll(/^\s+(-[A-Za-z])\b/gm)].map(([, flag]) => flag as string));
}

/** What fence_xvmd is told: the bridge and the hypervisor where it has words for that. Its own default URI became QEMU's in 2008. */
export async function optionsFor(host: Reader, lab: Lab): Promise<readonly string[]> {
  const flags = await knownFlags(host);
  return [
    ...pathOptions(lab),
    ...(flags.has('-I') ? ['-I', lab.network.bridge] : []),
    ...(flags.has('-U') ? ['-U', 'xen:///'] : []),
  ];
}

/** @throws Refused where fence_xvmd cannot do without a cluster on dom0 */
export async function standalone(host: Reader): Promise<void> {
  const flags = await knownFlags(host);
  if (flags.has('-L') && flags.has('-X')) return;
  throw new Refused(
    'this fence_xvmd has no -L and -X, so it needs a cluster on dom0: "Until 5.2 is out, if you wish to use fence_xvmd, you must create a cluster of one"',
    'give dom0 one in lab.yaml: dom0Cluster: {name: londesktop}',
  );
}

/** The daemon as a command: in the background, unless `foreground` adds what the document types for the test. */
export async function daemonArgv(host: Reader, lab: Lab, ...foreground: readonly string[]): Promise<Argv> {
  const alone = lab.dom0Cluster === 'none' ? ['-LX'] : [];
  return ['fence_xvmd', ...foreground, ...alone, ...(await optionsFor(host, lab))];
}
