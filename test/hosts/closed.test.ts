import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { LabHosts } from '../../src/hosts/lab-hosts.ts';
import { NotYet } from '../../src/model/errors.ts';

const processes = () => process.getActiveResourcesInfo().filter((kind) => kind === 'ProcessWrap').length;

test.each([0, 1, 2, 3, 4, 5, 8, 12])(
  'hosts that are closed while somebody looks leave no shell that would keep lab from ending (after %i turns)',
  async (turns) => {
    const before = processes();
    const hosts = new LabHosts({
      dom0: async (local) => {
        await local.readFile('/nonexistent/pid');
        throw new NotYet('dom0');
      },
      guests: new Map([['molly', { destination: 'root@molly' }]]),
    });
    for (const name of ['dom0', 'molly', 'local']) hosts.warm(name);
    const looked = hosts
      .host('molly')
      .stat('/')
      .catch(() => {});
    for (let turn = 0; turn < turns; turn++) await setImmediate();
    await hosts.close();
    await looked;
    await expect.poll(processes, { timeout: 3000 }).toBeLessThanOrEqual(before);
  },
);
