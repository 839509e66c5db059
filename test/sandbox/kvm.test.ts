import { writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import type { Reader } from '../../src/model/host.ts';
import { assertOnlyLooks } from '../../src/hosts/read-only.ts';
import { builtDom0, dom0Image } from '../../src/sandbox/dom0-image.ts';
import { kvmWorks } from '../../src/sandbox/qemu.ts';
import { scratch } from '../cli/process.ts';

/** A machine that has /dev/kvm, and on which QEMU does this. @returns how the look ended, and what was concluded from it */
async function tried(qemu: string): Promise<{ code: number | undefined; works: boolean }> {
  const bin = scratch();
  writeFileSync(join(bin, 'qemu-system-x86_64'), `#!/bin/sh\n${qemu}\n`, { mode: 0o755 });
  let code: number | undefined;
  const host: Partial<Reader> = {
    stat: async () => ({ kind: 'other', size: 0, allocated: 0, mode: 0o660, uid: 0, modified: 0 }),
    read: async (argv) => {
      assertOnlyLooks(argv);
      const [program, ...args] = argv;
      const env = { PATH: `${bin}${delimiter}${process.env.PATH}` };
      const { exitCode, stdout } = await execa(program, args, { env, reject: false });
      code = exitCode;
      return { argv, code: exitCode ?? 255, stdout, stderr: '' };
    },
  };
  return { works: await kvmWorks(host as Reader, builtDom0('/cache', dom0Image([]))), code };
}

test('a QEMU that aborts on KVM has answered: it does not work', async () => {
  expect(await tried('echo "failed to set MSR 0x10a" >&2; kill -ABRT $$')).toEqual({ works: false, code: 0 });
});

test('Xen that got as far as dom0’s kernel has answered too, whatever comes after', async () => {
  expect(await tried('echo "(XEN) Xen version"; echo "Linux version 6.1"; kill -ABRT $$')).toEqual({
    works: true,
    code: 0,
  });
  expect(await tried('echo "(XEN) Xen version"')).toEqual({ works: false, code: 0 });
});
