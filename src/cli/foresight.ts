import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dom0Tools } from '../../recipes/0-before-you-begin.ts';
import { recipes } from '../../recipes/index.ts';
import { Journal } from '../engine/journal.ts';
import type { Foresight } from '../engine/plan.ts';
import { up } from '../engine/up.ts';
import type { Lab } from '../spec/lab.ts';
import { dom0Paths } from '../spec/paths.ts';

/** Steps that the sandbox does itself, before its dom0 boots: the default image comes with it. */
const handedOver = ['2.directory', '2.default', '3.install'];

/**
 * The dom0 of a sandbox that is not there yet, as it will be after its first boot: a simulated one, with the packages and the
 * default image that the sandbox brings. A dry-run shows by it what the chapters of the document will do; nothing is made
 * but a temporary directory.
 */
export async function freshSandbox(lab: Lab): Promise<{ foresee: Foresight; forget(): Promise<void> }> {
  const { SimulatedHosts, seedSimulated } = await import('../hosts/simulated/index.ts');
  const directory = await mkdtemp(join(tmpdir(), 'lab-foresight-'));
  const { network, guests } = lab;
  const { loginKey: key, knownHosts } = dom0Paths(lab);
  await seedSimulated(directory, {
    bridge: network.bridge,
    address: `${network.dom0Address}/${network.prefix}`,
    packages: dom0Tools(lab),
  });
  const hosts = new SimulatedHosts({ directory, guests, login: { key, knownHosts } });
  // The seed turns snooping off (sandbox/seed.ts).
  await hosts
    .host('dom0')
    .writeFile(`/sys/class/net/${network.bridge}/bridge/multicast_snooping`, Buffer.from('0\n'), 0o644);
  const nodes = recipes(lab).flatMap((chapter) => chapter.nodes.filter(({ id }) => handedOver.includes(id)));
  const journal = new Journal(join(directory, 'journal.jsonl'), () => 'foresight');
  const chapters = [{ id: '3', title: '', nodes }];
  await up({
    lab: lab.name,
    where: '',
    chapters,
    hosts,
    journal,
    proofs: journal,
    emit: () => {},
    slowness: async () => 1,
  });
  return {
    foresee: (name) => (name === 'dom0' ? hosts : undefined),
    forget: () => rm(directory, { recursive: true, force: true }),
  };
}
