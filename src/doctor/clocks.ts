import { command } from '../model/change.ts';
import type { Lab } from '../spec/lab.ts';
import { askGuests, broken, holds, type Probe, probe, unknown } from './probe.ts';

/** Seconds that clocks may differ: a look at all of them takes a while on a slow machine. */
const tolerance = 30;

/** Logs of dom0 and guests can only be laid side by side if their clocks agree; nothing else of fencing needs it. */
export const clocksAgree = (lab: Lab): Probe =>
  probe('clocks', async (look) => {
    const [dom0, { answers }] = await Promise.all([
      look.on('dom0').read(['date', '+%s']),
      askGuests(lab, look, (guest) => guest.read(['date', '+%s'])),
    ]);
    const now = Number(dom0.stdout.trim());
    const told = answers.filter(({ answer }) => /^\d+\s*$/.test(answer.stdout));
    if (dom0.code !== 0 || !now || told.length === 0) return unknown('nobody tells the time');
    const apart = told.map(({ guest, answer }) => ({ guest, by: Number(answer.stdout) - now }));
    const saw = apart.map(({ guest, by }) => `${guest.name} ${by < 0 ? '' : '+'}${by} s`).join(', ');
    const worst = apart.find(({ by }) => Math.abs(by) > tolerance);
    if (!worst) return holds(`against dom0: ${saw}`, 'their logs can be laid side by side');
    const { name } = worst.guest;
    const argv = ['date', '-u', '-s', `@${now}`] as const;
    return broken(`against dom0: ${saw}`, {
      name: 'clocks-apart',
      says: `the clock of ${name} is ${Math.abs(worst.by)} s ${worst.by < 0 ? 'behind' : 'ahead of'} that of dom0`,
      cure: { says: 'set it', command: argv.join(' '), where: name, change: command(argv) },
    });
  });
