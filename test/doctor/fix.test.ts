import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { doctorCommand } from '../../src/cli/commands/doctor.ts';
import { dom0Paths } from '../../src/spec/paths.ts';
import { freshWorld, lab, labThatIsUp, type TestWorld } from '../simulated/world.ts';

/* Told by the streams, which can be listened to. */
vi.mock(import('../../src/cli/output.ts'), async (original) => ({
  ...(await original()),
  tell: (text) => void process.stdout.write(text),
  warn: (text) => void process.stderr.write(text),
}));

/** `lab doctor …` on a world, in this process. */
async function run({ directory }: TestWorld, options: { fix?: boolean; json?: boolean } = {}) {
  const file = join(directory, 'lab.yaml');
  writeFileSync(
    file,
    'guests: {molly: {}, frederick: {}}\nimage: {size: 1G}\ndisks: {quorum: {size: 10M}, shared: {size: 40M}}\n',
  );
  const told = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation(((text: string, done?: () => void) => {
      told[stream] += text;
      done?.();
      return true;
    }) as typeof process.stdout.write),
  );
  try {
    return { code: await doctorCommand({ file, host: `simulated:${directory}`, ...options }), ...told };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

const rewrite = (from: string, to: string) => async (world: TestWorld) => {
  const path = world.at('dom0', '/etc/fence_virt.conf');
  writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
  await world.sh('dom0', 'systemctl restart fence_virtd');
};

const cured: readonly (readonly [string, (world: TestWorld) => unknown])[] = [
  ['fence_virtd-stopped', ({ sh }) => sh('dom0', 'systemctl stop fence_virtd')],
  ['libvirtd-down', ({ sh }) => sh('dom0', 'systemctl stop libvirtd')],
  ['snooping-without-querier', ({ sh }) => sh('dom0', 'ip link set dev xenbr0 type bridge mcast_querier 0')],
  ['wrong-uri', rewrite('xen:///system', 'qemu:///system')],
  ['listens-elsewhere', rewrite('"xenbr0"', '"eth0"')],
  // This ends it.
  ['wrong-family', rewrite('"ipv4"', '"ipv6"')],
  [
    'cluster-stopped',
    async ({ sh }) => {
      for (const unit of ['pacemaker', 'corosync']) await sh('frederick', `systemctl stop ${unit}`);
    },
  ],
];

test.each(cured)('--fix cures %s, and all layers hold', async (name, provoke) => {
  const world = await labThatIsUp();
  await provoke(world);
  const { code, stdout } = await run(world, { fix: true });
  expect(stdout).toContain(`cause: ${name}: `);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('all layers hold');
  expect(code).toBe(0);
});

test.each([
  ['guest-off: frederick is shut off', ['virsh destroy frederick']],
  // One whose cluster runs is fenced by the others, and never found paused.
  ['guest-paused: frederick is paused', ['virsh suspend frederick']],
])('--fix cures %s, waits for it; then the cluster on it is the next cause', async (cause, provoke) => {
  const world = await labThatIsUp();
  for (const unit of ['pacemaker', 'corosync']) await world.sh('frederick', `systemctl stop ${unit}`);
  for (const line of provoke) await world.sh('dom0', line);
  const { code, stdout } = await run(world, { fix: true });
  expect(stdout).toContain(`cause: ${cause}`);
  expect(stdout).toContain('cause: cluster-stopped: the cluster does not run on frederick');
  expect(code).toBe(1);
  expect((await run(world, { fix: true })).code).toBe(0);
});

test('a cure that lab must not make is left to whoever types it', async () => {
  const world = await labThatIsUp();
  const { key } = lab.fencing;
  mkdirSync(dirname(world.at('molly', key)), { recursive: true });
  writeFileSync(world.at('molly', key), Buffer.alloc(4096, 7));
  const { code, stderr } = await run(world, { fix: true });
  expect(code).toBe(1);
  expect(stderr).toMatch(/nothing was changed: .*lab down --file \S+ --host simulated:\S+ && lab up --file/);
  expect(readFileSync(world.at('molly', key))).toEqual(Buffer.alloc(4096, 7));
});

test('the report: a line a layer, the cause, the cure', async () => {
  const world = await labThatIsUp();
  const healthy = await run(world);
  expect(healthy.code).toBe(0);
  expect(healthy.stdout).toMatch(/^ {2}holds {4}bridge +xenbr0 has 192\.168\.77\.1 \(/m);
  await world.sh('dom0', 'systemctl stop fence_virtd');
  const { code, stdout } = await run(world);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^ {2}broken {3}fence_virtd +it is inactive$/m);
  expect(stdout).toMatch(/^ {2}unknown {2}path +not tried: fence_virtd is broken$/m);
  expect(stdout).toMatch(/^cause: fence_virtd-stopped: .*\ncure: {2}start it\n {7}dom0# systemctl start fence_virtd$/m);
});

test('--json: a line a finding, the diagnosis last; no key is in it', async () => {
  const world = await labThatIsUp();
  await world.sh('dom0', 'systemctl stop fence_virtd');
  const { stdout } = await run(world, { json: true });
  const key = readFileSync(world.at('dom0', lab.fencing.key));
  for (const form of ['hex', 'base64', 'latin1'] as const)
    expect(stdout).not.toContain(key.subarray(0, 12).toString(form));
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.slice(0, -1).every(({ event, layer, state, saw }) => event === 'finding' && layer && state && saw)).toBe(
    true,
  );
  expect(lines.at(-1)).toMatchObject({
    event: 'diagnosis',
    holds: false,
    layer: 'fence_virtd',
    cause: { name: 'fence_virtd-stopped', cure: { command: 'systemctl start fence_virtd', where: 'dom0' } },
  });
});

test('it works on a lab that is not built, and while another run holds the lock', async () => {
  const world = await freshWorld();
  const lock = await world.hosts.lock('dom0', dom0Paths(lab).lock, 'somebody', () => {});
  const { code, stdout } = await run(world, { fix: true });
  await lock.release();
  expect(code).toBe(1);
  expect(stdout).toContain('cause: guest-not-defined: molly is no domain of this dom0 yet');
});
