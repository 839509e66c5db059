import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sandboxPaths } from '../../src/sandbox/paths.ts';
import { dom0Tree, environment, file, lab, name, onDom0, summary } from './lab.ts';

/*
 * `LAB_REAL_ROUNDS=5 npm run test:real -- test/real/long-use.test.ts`: so many times up, down and up again, on real Xen. Nothing
 * grows by it: files of dom0, loop devices, mounts, processes, pinned keys, Xen's memory, and what lab keeps here.
 */
const rounds = Number(process.env.LAB_REAL_ROUNDS ?? 0);

/** What must be the same after each round. */
async function size() {
  const dom0 = await onDom0(
    [
      'find /var/lib/cluster-lab /tmp /var/tmp /run/lab* -type f 2>/dev/null | grep -v systemd-private | sort',
      'losetup -a | wc -l',
      'wc -c < /var/lib/cluster-lab/*/known_hosts',
      'xl info | grep free_memory',
      // The kernel's threads for a domain have its id in their names; what else is started for one, in its arguments.
      'ps -e -o comm= | grep -v "^\\(kworker\\|ps\\|sh\\|sort\\|sed\\|uniq\\|sshd\\|sftp\\|grep\\|virtlogd\\|systemd\\)" | sed "s/^vif[0-9]*/vif/" | sort | uniq -c',
      'ls /guests /etc/xen',
    ].join('; '),
  );
  return { dom0: dom0.split('\n'), here: readdirSync(state, { recursive: true }).map(String).sort() };
}

const { pid } = sandboxPaths(name, environment);
const state = dirname(dirname(pid));
const kilobytes = () =>
  Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${readFileSync(pid, 'utf8').trim()}/status`, 'utf8'))?.[1]);

(rounds === 0 ? describe.skip : describe)(`${rounds} × (up, down, up)`, () => {
  it('grows nowhere', { timeout: rounds * 2_400_000 }, async () => {
    const up = async () => {
      const run = await lab(['up', '--yes', '--json', '--file', file]);
      expect(run.code, run.stdout.slice(-2000) + run.stderr).toBe(0);
      return { ...summary(run), seconds: run.seconds };
    };
    await up();
    const first = await size();
    const tree = await dom0Tree();
    for (let n = 1; n <= rounds; n++) {
      expect(await up()).toMatchObject({ changed: 0, later: 0, failed: 0 });
      const down = await lab(['down', '--file', file]);
      expect(down.code, down.stdout + down.stderr).toBe(0);
      const again = await up();
      const journal = readFileSync(join(state, 'sandbox.jsonl'), 'utf8').trim().split('\n').length;
      process.stdout.write(
        `  ${n}/${rounds}: down ${down.seconds.toFixed(0)} s, up ${again.seconds.toFixed(0)} s; journal ${journal} entries, QEMU ${Math.round(kilobytes() / 1024)} MiB\n`,
      );
      expect(await size()).toEqual(first);
      expect(journal).toBeLessThan(1200);
    }
    expect(await dom0Tree()).toEqual(tree);
  });
});
