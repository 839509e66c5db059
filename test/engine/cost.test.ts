import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { recipes } from '../../recipes/index.ts';
import { simulatedDom0 } from '../../src/cli/context.ts';
import { Journal } from '../../src/engine/journal.ts';
import { plan } from '../../src/engine/plan.ts';
import { SimulatedHosts, seedSimulated } from '../../src/hosts/simulated/index.ts';
import { readLab } from '../../src/spec/read.ts';
import { dom0Paths } from '../../src/spec/paths.ts';

/* What a plan costs, as counts: times differ from machine to machine. */

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lab-cost-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Plans a lab of so many guests that is not there yet. @returns what it asked of dom0, and in how many round trips */
async function cost(guests: number, settings: string) {
  const names = Array.from({ length: guests }, (_, n) => `g${n + 1}: {memory: 128M}`);
  const lab = readLab(`${settings}\nguests: {${names.join(', ')}}`, 'lab.yaml');
  const world = join(directory, String(guests));
  await seedSimulated(world, simulatedDom0(lab));
  const { loginKey: key, knownHosts } = dom0Paths(lab);
  const hosts = new SimulatedHosts({ directory: world, guests: lab.guests, login: { key, knownHosts } });
  const dom0 = hosts.host('dom0');
  let reads = 0;
  for (const method of ['read', 'readFile', 'stat', 'digest', 'list'] as const) {
    const ask = dom0[method].bind(dom0) as (what: never) => Promise<never>;
    Object.assign(dom0, {
      [method]: (what: never) => {
        reads++;
        return ask(what);
      },
    });
  }
  const nodes = recipes(lab).flatMap((chapter) => chapter.nodes);
  const planned = await plan(nodes, { hosts, proofs: new Journal(join(world, 'journal.jsonl'), () => 'run') });
  const changes = [...planned.values()].flatMap((judged) => ('changes' in judged ? judged.changes : []));
  /** How many texts there are in memory for a file of all guests, and how many guests it is written for. */
  const texts = (path: string) => {
    const files = changes.flatMap((change) => (change.is === 'file' && change.path.endsWith(path) ? [change] : []));
    return [new Set(files.map(({ after }) => after)).size, files.length];
  };
  const lists = new Set(nodes.flatMap(({ after }) => [after, ...after.filter((one) => Array.isArray(one))]));
  const edges = [...lists].reduce((sum, { length }) => sum + length, 0);
  return { reads, nodes: nodes.length, roundTrips: hosts.roundTrips().dom0, texts, edges };
}

it.each([
  ['storage: none'],
  ['cluster: {tieBreaker: quorum-disk}'],
  ['toolstack: xm\ncluster: {stack: cman}\nimage: {install: {virtInstall: {location: http://x.example/os}}}'],
])('a plan looks at each guest as often, however many there are: %j', async (settings) => {
  const [four, eight, sixteen] = [await cost(4, settings), await cost(8, settings), await cost(16, settings)];
  expect(sixteen.nodes - eight.nodes).toBe(2 * (eight.nodes - four.nodes));
  expect(sixteen.reads - eight.reads).toBe(2 * (eight.reads - four.reads));
  expect((eight.reads - four.reads) / 4).toBeLessThan(20);
  expect(sixteen.roundTrips).toBe(four.roundTrips);
});

it('what is the same in all guests is made once, and who waits for all guests shares one list of them', async () => {
  const settings = 'storage: none';
  const [four, eight, sixteen] = [await cost(4, settings), await cost(8, settings), await cost(16, settings)];
  for (const path of ['/etc/hosts', '/etc/corosync/corosync.conf']) expect(sixteen.texts(path)).toEqual([1, 16]);
  expect(sixteen.edges - eight.edges).toBe(2 * (eight.edges - four.edges));
});
