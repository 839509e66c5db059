import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { recipes } from '../../recipes/index.ts';
import { diffOf } from '../../src/cli/reporters/changes.ts';
import { diagnose, examine } from '../../src/doctor/index.ts';
import { lookFor } from '../../src/engine/look.ts';
import { plan } from '../../src/engine/plan.ts';
import type { Journal } from '../../src/engine/journal.ts';
import { up } from '../../src/engine/up.ts';
import { showable } from '../../src/model/change.ts';
import type { Event, Failure } from '../../src/model/event.ts';
import type { Hosts } from '../../src/model/host.ts';
import type { Step } from '../../src/model/step.ts';
import * as errors from '../../src/model/errors.ts';
import type { Lab } from '../../src/spec/lab.ts';
import { stackOf } from '../../src/stacks/index.ts';
import { systemOf } from '../../src/systems/index.ts';
import { toolstackOf } from '../../src/toolstacks/index.ts';
import { documentLab, freshWorld as freshDocument } from '../simulated/red-hat/world.ts';
import { freshWorld, lab as defaultLab, labThatIsUp } from '../simulated/world.ts';
import { fuzz, isForeseen } from './cases.ts';
import { type Answers, type Falsify, falsified, liar, lying, replayed } from './hostile.ts';

/* The output of every command that is read, the bytes of every file: falsified, one to three at a time. */

const full = process.env.FUZZ === 'full';
/** The names of the errors that lab foresees. */
const foreseen = Object.keys(errors);
const proofs = { evidence: async () => undefined };

interface Recorded {
  readonly lab: Lab;
  readonly real: Hosts;
  readonly answers: Answers;
}

/** Everything that lab looks at in a world, once. */
async function record(lab: Lab, real: Hosts): Promise<Recorded> {
  const recorded = { lab, real, answers: new Map() };
  await everyLook(recorded, replayed(real, recorded.answers));
  return recorded;
}

const nowhere: Step = {
  kind: 'step',
  id: 'doctor',
  title: '',
  section: '',
  on: 'dom0',
  after: [],
  check: async () => [],
};

async function everyLook({ lab }: Recorded, hosts: Hosts) {
  const planned = await plan(
    recipes(lab).flatMap(({ nodes }) => nodes),
    { hosts, proofs },
  );
  const status = await Promise.allSettled(
    lab.guests.flatMap((guest) => [
      toolstackOf(lab).domainState(hosts.host('dom0'), guest),
      systemOf(lab).bootState(hosts.host(guest.name)),
      stackOf(lab).clusterState(hosts.host(guest.name)),
      stackOf(lab).clusterOf(hosts.host(guest.name)),
    ]),
  );
  return { planned, status };
}

/** The path is tried as well; only that its port is free is not lied about: that would be waited for. */
async function examined({ lab, answers, real }: Recorded, hosts: Hosts, falsify: Falsify) {
  const look = lookFor(nowhere, { hosts, gate: async () => {} });
  const trying = replayed(real, answers, (look, answer) =>
    look.endsWith('ss -Hltn') ? answer : falsify(look, answer),
  );
  return examine(lab, look, (name) => trying.host(name));
}

const upDocument = async () => {
  const world = await freshDocument();
  expect((await world.up()).failed).toEqual([]);
  return world;
};

/** `npm test` has the time for the first one. */
const worlds: readonly (readonly [string, Lab, () => Promise<{ readonly hosts: Hosts }>])[] = [
  ['a fresh dom0', defaultLab, freshWorld],
  ['a lab that is up', defaultLab, labThatIsUp],
  ['the document’s dom0, fresh', documentLab(), freshDocument],
  ['the document’s lab, up', documentLab(), upDocument],
];
const chosen = full ? worlds : worlds.slice(0, 1);

describe.each(chosen)('%s', (_, lab, open) => {
  let opened: Promise<Recorded> | undefined;
  fuzz(
    'hostile answers',
    fc.asyncProperty(lying, async (lies) => {
      opened ??= open().then(({ hosts }) => record(lab, hosts));
      const world = await opened;
      const falsify = liar([...world.answers.keys()], lies);
      const hosts = replayed(world.real, world.answers, falsify);
      const { planned, status } = await everyLook(world, hosts);
      for (const [node, judged] of planned) {
        if (judged.is === 'failed' && !isForeseen(judged.error)) throw new Error(node.id, { cause: judged.error });
        // Nothing is worked out from what is no number, and told to a person.
        if (judged.is === 'failed') expect(String(judged.error)).not.toMatch(/NaN|undefined|\[object/);
        if (judged.is !== 'change' && judged.is !== 'later') continue;
        for (const change of judged.changes) {
          expect(showable(change)).not.toMatch(/undefined|NaN|\[object/);
          if (change.is === 'file') diffOf(change);
        }
      }
      for (const one of status) if (one.status === 'rejected' && !isForeseen(one.reason)) throw one.reason;
      expect(diagnose(await examined(world, hosts, falsify)).says).not.toBe('');
    }),
    { weight: 1 / chosen.length, atLeast: 20 },
  );
});

describe.skipIf(!full)('up', () => {
  const options = { where: 'simulated', proofs, pause: 5, slowness: async () => 0.002 };
  fuzz(
    'up on hostile answers',
    fc.asyncProperty(lying, fc.constantFrom(...worlds), async (lies, [, lab, open]) => {
      const { hosts: real } = await open();
      const { answers } = await record(lab, real);
      const hosts = falsified(real, liar([...answers.keys()], lies));
      const failures: Failure[] = [];
      const emit = (event: Event) => {
        if (event.event === 'step' && event.failure) failures.push(event.failure);
      };
      const journal = { add: async () => {} } as unknown as Journal;
      await up({ ...options, lab: lab.name, chapters: recipes(lab), hosts, journal, emit });
      for (const { name, message } of failures) expect(foreseen, message).toContain(name);
    }),
  );
});
