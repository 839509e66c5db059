import { expect, test } from 'vitest';
import { type ChangingLab, changingLab, type Run, type Stack } from '../simulated/coming-and-going.ts';

// `npm run test:faults`: guests that come and go while the lab runs. Each transition ends in a world in which nothing is missing.

const timeout = 600_000;

/** Runs to these guests, and once more: nothing is left to do, and nobody was fenced. */
async function becomes(lab: ChangingLab, ...guests: readonly string[]): Promise<Run> {
  const first = await lab.up(...guests);
  expect(first.failed).toEqual([]);
  expect(first.summary).toMatchObject({ failed: 0, later: 0 });
  const second = await lab.up(...guests);
  expect(second.failed).toEqual([]);
  expect(second.changes).toEqual([]);
  expect(second.summary).toMatchObject({ changed: 0, failed: 0, later: 0 });
  expect(Object.keys(lab.state().running).sort()).toEqual([...guests].sort());
  expect(lab.state().journal.filter(({ text }) => /targeting|fencing node/.test(text))).toEqual([]);
  return first;
}

const quorum = async (lab: ChangingLab, guest: string) => (await lab.sh(guest, 'corosync-quorumtool -s')).stdout;

test('pacemaker: 1, 2, 3, 4, 3, 2 and 1 guests', { timeout }, async () => {
  const lab = await changingLab('pacemaker');
  await becomes(lab, 'a');
  expect(await quorum(lab, 'a')).toMatch(/Quorate: +Yes/);

  await becomes(lab, 'a', 'b');
  expect(await quorum(lab, 'a')).toContain('2Node Quorate WaitForAll');
  expect((await lab.sh('a', 'cibadmin -Q')).stdout).toContain('name="pcmk_delay_base" value="40s"');

  const added = await becomes(lab, 'a', 'b', 'c');
  expect(added.changes).toContain('9.nodes-a: corosync-cfgtool -R');
  expect(added.changes).toContain('9.journals: gfs2_jadd -j 1 -J 32 /shared');
  expect(await quorum(lab, 'c')).not.toContain('2Node');
  expect((await lab.sh('a', 'cibadmin -Q')).stdout).not.toContain('name="pcmk_delay_base" value="40s"');
  expect(lab.text('a', 'etc/hosts')).toContain('192.168.77.13 c\n');

  await becomes(lab, 'a', 'b', 'c', 'd');
  expect(lab.state().gfs2['/guests/shared.dsk']?.journals).toBe(4);

  // From the middle: those who stay keep what they have.
  const removed = await becomes(lab, 'a', 'c', 'd');
  expect(removed.lab.guests.map(({ nodeId }) => nodeId)).toEqual([1, 3, 4]);
  expect(removed.changes).toContain('9.former: crm_node --force --remove b');
  expect((await lab.sh('a', 'cibadmin -Q')).stdout).not.toMatch(/fence-b|uname="b"/);
  expect(lab.text('a', 'etc/hosts')).not.toMatch(/ b$/m);
  expect(lab.text('dom0', 'etc/xen/b')).toBeUndefined();
  expect(lab.text('dom0', 'guests/b.img')).toBeUndefined();
  expect(lab.text('dom0', 'var/lib/cluster-lab/lolcats/known_hosts')).not.toContain('192.168.77.12 ');
  expect(lab.text('dom0', 'var/lib/cluster-lab/lolcats/b_host_ed25519')).toBeUndefined();
  // A journal cannot be removed.
  expect(lab.state().gfs2['/guests/shared.dsk']?.journals).toBe(4);

  await becomes(lab, 'a', 'd');
  expect(await quorum(lab, 'a')).toContain('2Node Quorate WaitForAll');
  // One for the other, in one go.
  const replaced = await becomes(lab, 'a', 'e');
  expect(replaced.lab.guests.map(({ nodeId }) => nodeId)).toEqual([1, 2]);
  await becomes(lab, 'a');
});

test(
  'pacemaker: too many at once are refused before anything is touched, and go while the lab is off',
  { timeout },
  async () => {
    const lab = await changingLab('pacemaker');
    await becomes(lab, 'a', 'b', 'c', 'd');
    const refused = await lab.up('a', 'b');
    expect(refused.failed).toHaveLength(1);
    expect(refused.failed[0]).toContain(
      'lab.yaml takes c, d out of a running cluster of 4: the 2 that would stay have no quorum',
    );
    expect(refused.changes).toEqual([]);
    expect((await lab.down('a', 'b')).failed).toEqual([]);
    await becomes(lab, 'a', 'b');
    // Off, with a new guest: the third mount finds no journal at first.
    await lab.down('a', 'b');
    await becomes(lab, 'a', 'b', 'e');
  },
);

test('cman: 3, 4 and 3 guests while it runs; 2 and 3 only while it is off', { timeout }, async () => {
  const lab = await changingLab('cman');
  await becomes(lab, 'a', 'b', 'c');
  const added = await becomes(lab, 'a', 'b', 'c', 'd');
  expect(added.changes).toContain('9.version: cman_tool version -r 2');
  expect(added.changes).toContain('10.journals: gfs2_jadd -j 1 -J 32 /shared');
  expect(lab.state().gfs2['/guests/shared.dsk']?.journals).toBe(4);
  await becomes(lab, 'a', 'c', 'd');
  const refused = await lab.up('a', 'd');
  expect(refused.failed).toHaveLength(1);
  expect(refused.failed[0]).toMatch(/cman runs on a without two_node.*lab down, then lab up/);
  expect(refused.changes).toEqual([]);
  await lab.down('a', 'd');
  const two = await becomes(lab, 'a', 'd');
  expect(two.lab.guests.map(({ nodeId }) => nodeId)).toEqual([1, 4]);
  expect((await lab.up('a')).failed[0]).toMatch(/with two_node.*lab down, then lab up/);
  // Off, with more guests than journals: the first one that mounts it makes room for the others.
  await lab.down('a', 'd');
  const five = await becomes(lab, 'a', 'd', 'e', 'f', 'g');
  expect(five.changes).toContain('10.journals: gfs2_jadd -j 1 -J 32 /shared');
});

test.each<readonly [Stack, number]>([
  ['pacemaker', 16],
  ['cman', 16],
  ['cman', 1],
])('%s: %i guests', { timeout }, async (stack, count) => {
  const lab = await changingLab(stack);
  const { lab: made } = await becomes(lab, ...Array.from({ length: count }, (_, n) => `g${n + 1}`));
  expect(made.guests.map(({ nodeId }) => nodeId)).toEqual(Array.from({ length: count }, (_, n) => n + 1));
  expect(new Set(made.guests.map(({ mac }) => mac)).size).toBe(count);
});
