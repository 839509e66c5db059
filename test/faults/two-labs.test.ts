import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { destroy } from '../../recipes/destroy.ts';
import type { Argv } from '../../src/model/host.ts';
import type { Lab } from '../../src/spec/lab.ts';
import { readLab } from '../../src/spec/read.ts';
import { tree } from '../cli/process.ts';
import { freshDom0, hostsOf, labsInProcess, run } from './in-process.ts';

// Two labs on one dom0: what they may share, what they must not, and that neither can fence the other's guests.

const first = labsInProcess.default;
const sizes = 'image: {size: 1G}\ndisks: {quorum: {size: 10M}, shared: {size: 40M}}\n';
const clashing = readLab(`name: second\nguests: {molly: {}, frederick: {}}\n${sizes}`, 'second.yaml');

/** The second lab, with the lines that the error said. */
function lines(hint: string): Lab {
  const said = hint
    .split('\n')
    .slice(1)
    .map((line) => line.trim());
  const value = (name: string, pattern: RegExp) => {
    const found = said.map((line) => pattern.exec(line)?.[1]).find((text) => text !== undefined);
    expect(found, `${name} in\n${hint}`).toBeDefined();
    return found;
  };
  const addresses = [...hint.matchAll(/address: (192[\d.]+)/g)].map(([, address]) => address);
  return readLab(
    `name: second
guests: {ann: {address: ${addresses[0]}}, bob: {address: ${addresses[1]}}}
image: {size: 1G, path: ${value('image', /image: \{path: (\S+)\}/)}}
disks: {quorum: {size: 10M}, shared: {size: 40M}}
network: {mac: ${value('mac', /mac: (".*")/)}}
fencing: {key: ${value('key', /key: (\S+)\}/)}, port: ${value('port', /port: (\d+)/)}}
`,
    'second.yaml',
  );
}

test(
  'a second lab is told what to change before anything is touched, and then both live side by side',
  { timeout: 600_000 },
  async () => {
    const { directory, gone } = await freshDom0(first);
    try {
      const made = await run(first, directory);
      expect(made.failed).toEqual([]);
      const before = tree(join(directory, 'dom0'));
      const refused = await run(clashing, directory);
      expect(refused.failed.map(({ id }) => id)).toEqual(['0.claims']);
      const { message = '', hint = '' } = refused.failed[0]?.failure ?? {};
      for (const what of [
        'the lab lolcats',
        'the domain molly',
        '00:16:3e:00:cf:fe',
        '192.168.77.11',
        '/guests/default.img',
        '/etc/cluster/fence_xvm.key',
        '1229',
      ])
        expect(message).toContain(what);
      expect(tree(join(directory, 'dom0'))).toEqual(before);

      const second = lines(hint);
      const both = [...first.guests, ...second.guests];
      const [one, other] = await Promise.all([
        run(first, directory, { all: both }),
        run(second, directory, { all: both }),
      ]);
      expect([one.failed, one.changed, other.failed]).toEqual([[], 0, []]);

      const dom0 = hostsOf(second, directory, both).host('dom0');
      const asked = async (lab: Lab, from: string, ...args: string[]) => {
        const { address, port, key } = lab.fencing;
        const hosts = hostsOf(first.guests.some(({ name }) => name === from) ? first : second, directory, both);
        const argv = ['fence_xvm', '-a', address, '-p', String(port), '-k', key, ...args] as unknown as Argv;
        return hosts.host(from).run(argv);
      };
      const ids = async () => (await dom0.run(['virsh', '-c', 'xen:///system', 'list'])).stdout;
      const running = await ids();
      // Through its own daemon, by name and by uuid; through the other's daemon, with its own key.
      const uuid = second.guests[0]?.uuid ?? '';
      for (const target of ['ann', uuid])
        expect(await asked(first, 'molly', '-H', target, '-o', 'off')).toMatchObject({
          code: 3,
          stdout: 'Permission denied\n',
        });
      expect(await asked(first, 'ann', '-H', 'molly', '-o', 'off')).toMatchObject({ code: 1 });
      expect(
        await asked(
          { ...second, fencing: { ...second.fencing, key: first.fencing.key } },
          'molly',
          '-H',
          'ann',
          '-o',
          'off',
        ),
      ).toMatchObject({ code: 1, stdout: expect.stringContaining('Timed out') });
      expect(await ids()).toBe(running);
      // Each sees its own, and can fence it.
      expect((await asked(second, 'ann', '-o', 'list')).stdout).toMatch(/^ann .*\nbob .*\n$/);
      expect(await asked(second, 'ann', '-H', 'bob', '-o', 'reboot')).toMatchObject({ code: 0 });
      expect(await ids()).not.toBe(running);

      // What one takes down is not the other's.
      const gonePaths = await run(second, directory, { chapters: [destroy(second)], all: both });
      expect(gonePaths.failed).toEqual([]);
      expect(await run(first, directory, { all: both })).toMatchObject({ changed: 0, failed: [] });
      // Empty directories apart: they have a mode and no content.
      const left = Object.entries(tree(join(directory, 'dom0'))).filter(
        ([path, what]) => /second|ann|bob/.test(path) && !/console|log/.test(path) && !what.endsWith(' '),
      );
      expect(left).toEqual([]);
      expect(readFileSync(join(directory, 'dom0/etc/fence_virt.conf'), 'utf8')).toContain('for lolcats');
    } finally {
      gone();
    }
  },
);
