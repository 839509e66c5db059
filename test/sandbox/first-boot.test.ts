import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dom0Image, builtDom0 } from '../../src/sandbox/dom0-image.ts';
import { firstBootSaved } from '../../src/sandbox/first-boot.ts';
import { sandboxPaths } from '../../src/sandbox/paths.ts';
import { sandboxChapter } from '../../src/sandbox/steps.ts';
import { sayChange } from '../../src/model/change.ts';
import type { Host, Ran, Reader } from '../../src/model/host.ts';
import type { Look, Step } from '../../src/model/step.ts';
import { readLab } from '../../src/spec/read.ts';
import { monitor } from './qemu-monitor.ts';

const lab = readLab('name: box\nguests: {molly: {}, frederick: {}}', 'lab.yaml');
const paths = sandboxPaths(lab.name);
const built = builtDom0(paths.cache, dom0Image([]));
const steps = sandboxChapter({ lab, dom0Packages: [], guestImage: undefined }).nodes as readonly Step[];
const booted = `${built.directory}/saved-lean-tcg-5120-qemu-7.2.22`;

/** This machine, with these files; no QEMU runs. */
function hostWith(files: Readonly<Record<string, string>>): Partial<Reader> {
  return {
    name: 'local',
    readFile: async (path) => (path in files ? Buffer.from(files[path] ?? '') : undefined),
    stat: async (path) =>
      path in files ? { kind: 'file', size: 1, allocated: 1, mode: 0o600, uid: 0, modified: 0 } : undefined,
    read: async (argv) => ({ argv, code: 0, stdout: 'QEMU emulator version 7.2.22 (Debian 1:7.2)\n', stderr: '' }),
  };
}

/** @returns what a step would do there, a line a change */
async function changes(id: string, files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const step = steps.find((one) => one.id === `sandbox.${id}`);
  return ((await step?.check({ host: hostWith(files) } as Look)) ?? []).map(sayChange);
}

const qemuOf = (lines: readonly string[]) => lines.find((line) => line.startsWith('qemu-system')) ?? '';

test('the first sandbox of all boots dom0 without a seed and without a port, and saves it', async () => {
  const qemu = qemuOf(await changes('first-boot', {}));
  expect(qemu).toContain('first-boot/seed');
  expect(qemu).not.toContain('hostfwd');
  expect(qemu).not.toContain('noreboot');
  expect(qemu).toContain('-global migration.store-global-state=off');
  const saving = await changes('saved-boot', {});
  expect(saving.at(-1)).toMatch(new RegExp(`${booted}$`));
  // A cache that was moved is still whole.
  expect(saving.join('\n')).toContain('qemu-img rebase -u -F raw -b ../dom0.img ');
});

test('it stands still while it is saved', async () => {
  const { directory, typed } = await monitor(
    (line) => (line === 'info migrate' ? 'Migration status: completed\r\n' : ''),
    'first.sock',
  );
  const step = firstBootSaved(
    { id: 'save', title: '', section: '', on: 'local', after: [] },
    {
      paths: { ...paths, state: directory },
      built,
      guestMemory: 1024,
    },
  );
  const [save] = await step.check({ host: hostWith({}) } as Look);
  if (save?.is !== 'act') throw new Error('nothing to save');
  const done: Ran = { argv: ['true'], code: 0, stdout: '', stderr: '' };
  const local: Partial<Host> = { ...hostWith({}), run: async () => done };
  mkdirSync(join(directory, 'first-boot'));
  writeFileSync(join(directory, 'first-boot', 'state'), 'what cat would have written');
  await save.act(local as Host);
  expect(typed).toEqual(['stop', `migrate "exec:cat > ${directory}/first-boot/state"`, 'info migrate']);
});

test('each goes on from the saved one, once', async () => {
  const saved = { [booted]: '' };
  expect(await changes('first-boot', saved)).toEqual([]);
  expect(await changes('saved-boot', saved)).toEqual([]);
  expect(await changes('disks', saved)).toEqual(
    expect.arrayContaining([`write ${paths.resume}`, expect.stringContaining(`-b ${booted}/dom0.qcow2`)]),
  );
  const resumed = await changes('run', { ...saved, [paths.resume]: `${booted}/state\n` });
  expect(resumed[0]).toBe(`rm ${paths.resume}`);
  expect(qemuOf(resumed)).toMatch(new RegExp(`-incoming exec:cat ${booted}/state$`));
});

test('a sandbox that was started before boots, and so does one of another size', async () => {
  const disks = { [paths.dom0Disk]: '', [paths.guestsDisk]: '' };
  for (const id of ['first-boot', 'saved-boot', 'disks']) expect(await changes(id, disks), id).toEqual([]);
  for (const more of [{}, { [paths.resume]: `${built.directory}/saved-lean-tcg-9216-qemu-7.2.22/state\n` }]) {
    const lines = await changes('run', { ...disks, ...more });
    expect(lines).toHaveLength(1);
    expect(qemuOf(lines)).not.toContain('-incoming');
  }
});

test('a sandbox keeps the kernel that its disks were made with, and no newer image is built for it', async () => {
  const disks = { [paths.dom0Disk]: '', [paths.guestsDisk]: '', [paths.image]: '/cache/dom0-older\n' };
  for (const id of ['dom0-image', 'guests-disk']) expect(await changes(id, disks), id).toEqual([]);
  expect(qemuOf(await changes('run', disks))).toContain('-kernel /cache/dom0-older/xen.elf');
});
