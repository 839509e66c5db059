import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sandboxPaths } from '../../src/sandbox/paths.ts';
import { dom0Tree, type Ended, environment, file, inGuest, lab, name, spec, start, summary } from './lab.ts';

/*
 * `LAB_REAL_KILLS=20,5 npm run test:real -- test/real/kills.test.ts`: so many times the command is killed, and so many times the
 * machine (QEMU) under dom0, at random moments of `lab up` and `lab destroy`. What is reached in the end must be what an undisturbed run
 * reached before. LAB_SEED repeats a run; the seed is printed.
 */
const [commands = 0, machines = 0] = (process.env.LAB_REAL_KILLS ?? '').split(',').map(Number);
const seed = Number(process.env.LAB_SEED ?? Date.now() % 2 ** 31);
/** No run may hang: a whole one takes ten minutes here. */
const limit = 30 * 60_000;

const victims = [...Array<'command'>(commands).fill('command'), ...Array<'machine'>(machines).fill('machine')];
const plan = fc
  .sample(fc.tuple(fc.integer({ min: 1, max: 75 }), fc.double({ min: 0, max: 1, noNaN: true })), {
    seed,
    numRuns: victims.length,
  })
  .map(([after, order], n) => ({ victim: victims[n] ?? 'command', after, order }))
  .sort((a, b) => a.order - b.order);

const up = ['up', '--yes', '--file', file];
const destroy = ['destroy', '--yes', '--file', file];
const tell = (text: string) => process.stdout.write(`  ${text}\n`);
const lastLine = (text: string) => text.trimEnd().split('\n').at(-1)?.trim().slice(0, 150) ?? '';

async function ends(what: string, ended: Promise<Ended>): Promise<Ended> {
  const late = new Promise<never>((_, fail) => {
    setTimeout(() => fail(new Error(`${what} hangs`)), limit).unref();
  });
  return Promise.race([ended, late]);
}

/** Random contents count as there, not as what they are. */
const random = /key|known_hosts|cluster-lab\/[^/]+\/lab|\.before-lab/;
const stable = (line: string) => (random.test(line) ? line.replace(/^[0-9a-f]{64} /, '… ') : line);

/**
 * /etc/fstab comes with the seed (sandbox/seed.ts), after the first boot of dom0, which was saved: a boot after a power cut is the first one
 * that systemd reads it in, and the only one with this socket. Of the 16,233 lines of a run with 5 power cuts it was the one that differed.
 */
const ofBoots = 'systemd-fsckd.socket';

/** dom0 and the guests, as they can be compared with those of another run. */
async function world(): Promise<readonly string[]> {
  const guests = spec.guests.map(async (guest) => {
    const text = await inGuest(
      guest.name,
      'find /etc /root -xdev -type f -printf "%M %u %g %p\\n" | grep -v "/etc/lvm\\|ssh_host\\|\\.cache" | sort; sha256sum /etc/corosync/corosync.conf /etc/hostname /etc/hosts; findmnt -n -t gfs2 -o SOURCE,TARGET',
    );
    return text.split('\n').map((line) => `${guest.name}: ${line}`);
  });
  const dom0 = (await dom0Tree()).map(stable).filter((line) => line !== ofBoots);
  return [...dom0, ...(await Promise.all(guests)).flat()];
}

(victims.length === 0 ? describe.skip : describe)(`killed ${victims.length} times, LAB_SEED=${seed}`, () => {
  let reference: readonly string[];

  it('first comes to an end undisturbed', async () => {
    tell(`seed ${seed}: ${plan.map(({ victim, after }) => `${victim} ${after} s`).join(', ')}`);
    const first = await ends('lab up', lab(up));
    expect(first.code, lastLine(first.stderr)).toBe(0);
    reference = await world();
  });

  it(
    'comes to the same after all of that',
    async () => {
      let building = false;
      for (const [n, { victim, after }] of plan.entries()) {
        for (let killed = false; !killed;) {
          const args = building ? up : destroy;
          const { child, ended } = start(args);
          const timer = setTimeout(() => {
            killed = victim === 'command' ? child.kill('SIGKILL') : powerOff();
          }, after * 1000);
          const run = await ends(`lab ${args[0]}`, ended);
          clearTimeout(timer);
          const how = killed ? `${victim} killed after ${after} s` : 'came to its end';
          tell(
            `${n + 1}/${plan.length} lab ${args[0]}: ${how}: ${run.signal ?? `exit code ${run.code}`}, ${run.seconds.toFixed(0)} s: ${lastLine(run.stderr || run.stdout)}`,
          );
          if (!killed) expect(run.code, run.stderr).toBe(0);
          // Without its machine it must end by itself, and say so.
          else if (victim === 'machine') expect(run.signal, run.stderr).toBeNull();
          if (run.code === 0) building = !building;
          // `lab up` boots it again, in the same run if it had not looked yet; `lab destroy` says that this has to come first.
          if (killed && victim === 'machine' && args === destroy && run.code !== 0) {
            expect((await lab(destroy)).stderr).toContain('the sandbox does not run: lab sandbox up');
            expect((await lab(['sandbox', 'up', '--file', file])).code).toBe(0);
          }
        }
      }
      const last = await ends('lab up', lab(up));
      expect(last.code, `${last.stdout.slice(-2000)}${last.stderr}`).toBe(0);
      const again = await ends('lab up', lab([...up, '--json']));
      expect(summary(again)).toMatchObject({ changed: 0, later: 0, failed: 0 });
      expect(await world()).toEqual(reference);
    },
    4 * 3_600_000,
  );
});

/** @returns whether there was a machine that ran */
function powerOff(): boolean {
  try {
    return process.kill(Number(readFileSync(sandboxPaths(name, environment).pid, 'utf8')), 'SIGKILL');
  } catch {
    return false;
  }
}
