import { expect, test } from 'vitest';
import { up } from '../../src/engine/up.ts';
import { command, file, wait } from '../../src/model/change.ts';
import { NotYet, Unreachable } from '../../src/model/errors.ts';
import { rig, step } from './rig.ts';

/* Hosts that are lost while a step waits in them, or works. */

test.each([
  ['local', 'does not run any more', /^dom0 is gone: the machine under it/],
  ['local', 'still boots', /^cannot reach dom0/],
  ['elsewhere', 'does not run any more', /^cannot reach dom0/],
])('dom0 is lost in a wait; its machine is %s, and %s', async (on, how, says) => {
  const files = new Map<string, string>();
  let lost = false;
  const machine = step(
    'machine',
    [],
    async () => {
      if (!lost) return [];
      return how === 'still boots' ? [wait('wait for it to boot')] : [file('power', 0o644, '')];
    },
    { on, provides: 'dom0' },
  );
  const boot = step(
    'boot',
    [machine],
    async () => {
      if (!files.has('started')) return [file('started', 0o644, '')];
      lost = true;
      throw new Unreachable('dom0', 'broken pipe');
    },
    { settle: { within: 300, hint: '' } },
  );
  const { options, steps } = rig([machine, boot], files);
  await up(options);
  expect(steps.at(-1)).toMatchObject({
    id: 'boot',
    verdict: 'failed',
    failure: { message: expect.stringMatching(says) },
  });
});

test.each(['machine', 'guest'])(
  'a wait in a guest ends when the machine is gone, also where all it sees is that %s is not there yet',
  async (sees) => {
    const files = new Map<string, string>();
    let lost = false;
    const machine = step('machine', [], async () => (lost ? [file('power', 0o644, '')] : []), {
      on: 'local',
      provides: 'dom0',
    });
    const guest = step(
      'guest',
      [machine],
      async () => {
        if (lost) throw new NotYet('machine');
        return [];
      },
      { provides: 'molly' },
    );
    const start = step(
      'start',
      [guest],
      async () => {
        if (!files.has('started')) return [file('started', 0o644, '')];
        lost = true;
        throw new NotYet(sees);
      },
      { on: 'molly', settle: { within: 60_000, hint: '' } },
    );
    const { options, steps } = rig([machine, guest, start], files);
    await up(options);
    expect(steps.at(-1)).toMatchObject({
      id: 'start',
      verdict: 'failed',
      failure: { message: expect.stringMatching(/^dom0 is gone: the machine under it/) },
    });
  },
);

/** A guest that is fenced while something is done in it: how its boot step finds it, look by look, and how often it is lost. */
async function fenced(boots: readonly ('off' | 'boots' | 'on')[], losses: number) {
  const files = new Map([['started', 'started']]);
  let lost = 0;
  let looks = 0;
  const boot = step(
    'boot',
    [],
    async () => {
      const now = lost === 0 ? 'on' : (boots[looks++] ?? boots.at(-1));
      if (now === 'off') return [command(['start'])];
      return now === 'boots' ? [wait('wait for molly to boot')] : [];
    },
    { provides: 'molly', settle: { within: 300, hint: 'watch it boot' } },
  );
  const inside = step(
    'inside',
    [boot],
    async () => {
      if (lost < losses && files.has('asked')) {
        lost++;
        throw new Unreachable('molly', 'No route to host');
      }
      files.set('asked', '');
      return files.has('inside') ? [] : [file('inside', 0o644, '')];
    },
    { on: 'molly' },
  );
  const { options, steps } = rig([boot, inside], files);
  await up({ ...options, slowness: async () => 0.01 });
  return steps.at(-1);
}

test('a guest that is fenced in the middle is waited for, and the step begun anew', async () => {
  expect(await fenced(['off', 'boots', 'boots', 'on'], 1)).toMatchObject({ id: 'inside', verdict: 'change' });
  expect(await fenced(['on'], 1)).toMatchObject({ id: 'inside', verdict: 'change' });
});

test.each([
  ['is off and stays off', ['off'], 1, /^cannot reach molly: No route to host/],
  ['is lost again and again', ['on'], 9, /^cannot reach molly: No route to host/],
  ['does not boot', ['boots'], 1, /^not so after .*wait for molly to boot/],
] as const)('a guest that %s is an error', async (_, boots, losses, says) => {
  const failure = { message: expect.stringMatching(says) };
  expect(await fenced(boots, losses)).toMatchObject({ id: 'inside', verdict: 'failed', failure });
});
