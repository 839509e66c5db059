import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { logCursor, logSince } from '../../src/fencing/virtd-trial.ts';
import { judgeNullTest } from '../../src/formats/fence-xvm.ts';
import type { Host } from '../../src/model/host.ts';
import { lab, labThatIsUp, type TestWorld } from './world.ts';

const key = lab.fencing.key;
const nullTest = `fence_xvm -a 225.0.0.12 -p 1229 -k ${key} -H frederick -ddd -o null`;
const timedOut = 'Timed out waiting for response\nOperation failed\n';

async function aim({ sh }: TestWorld, line = nullTest) {
  const cursor = /cursor: (\S+)/.exec((await sh('dom0', 'journalctl -u fence_virtd -n 0 --show-cursor')).stdout)?.[1];
  const { code, stdout } = await sh('molly', line);
  const log = await sh('dom0', `journalctl -u fence_virtd -o cat --no-pager --after-cursor=${cursor}`);
  return { code, stdout, log: log.stdout, verdict: judgeNullTest(stdout, code) };
}

/** The transcript of a real guest, 22 November 2026. */
const transcript = `Debugging threshold is now 3
-- args @ 0x7ffd41eb1050 --
  args->domain = frederick
  args->op = 0
  args->mode = 0
  args->debug = 3
  args->timeout = 30
  args->delay = 0
  args->retr_time = 20
  args->flags = 0
  args->net.addr = 225.0.0.12
  args->net.ipaddr = (null)
  args->net.cid = 0
  args->net.key_file = /etc/cluster/fence_xvm.key
  args->net.port = 1229
  args->net.hash = 2
  args->net.auth = 2
  args->net.family = 2
  args->net.ifindex = 0
  args->serial.device = (null)
  args->serial.speed = 115200,8N1
  args->serial.address = 10.0.2.179
-- end args --
Reading in key file /etc/cluster/fence_xvm.key into 0x7ffd41eb0000 (4096 max size)
Actual key length = 4096 bytes
Sending to 225.0.0.12 via 127.0.0.1
Sending to 225.0.0.12 via 192.168.77.11
Waiting for connection from XVM host daemon.
Issuing TCP challenge
Responding to TCP challenge
TCP Exchange + Authentication done... 
Waiting for return value from XVM host
Operation failed
`;

test('the null test passes with exit code 1, and dom0 logs the request', async () => {
  const { code, stdout, log, verdict } = await aim(await labThatIsUp());
  expect({ code, stdout }).toEqual({ code: 1, stdout: transcript });
  expect(verdict.passed).toBe(true);
  expect(log).toMatch(
    /^Request 0 seqno \d+ domain frederick\nPlain TCP request\nRequest 0 seqno \d+ src 192.168.77.11 target frederick\nNULL operation: returning failure\n$/,
  );
});

test.each([key, '/etc/fence_virt.conf'])(
  'fence_virtd reads %s at start: it starts again when that was made anew',
  async (path) => {
    const { sh, at, up } = await labThatIsUp();
    const started = async () =>
      (await sh('dom0', 'systemctl show -p ExecMainStartTimestamp --timestamp=us+utc fence_virtd')).stdout;
    const before = await started();
    rmSync(at('dom0', path));
    // Guests that run have the old key, and a whole run would be refused for it.
    expect((await up('1', '7')).failed).toEqual([]);
    expect(await started()).not.toBe(before);
  },
);

test('a log that cannot be read is an error: its silence would mean that no request came', async () => {
  const stderr = 'Failed to open journal';
  const dom0 = { name: 'dom0', read: async (argv) => ({ argv, code: 1, stdout: '', stderr }) } as Host;
  await expect(logCursor(dom0, lab)).rejects.toThrow(stderr);
  await expect(logSince(dom0, lab, '')).rejects.toThrow(stderr);
});

test('list, status and unknown names', async () => {
  const { sh, at } = await labThatIsUp();
  const row = (name: string, uuid: string, state: string) => `${name.padEnd(32)} ${uuid} ${state}\n`;
  const [molly, frederick] = lab.guests.map(({ uuid }) => uuid) as [string, string];
  // As lab writes it, groups{} lets the guests ask about one another only.
  const own = row('frederick', frederick, 'on') + row('molly', molly, 'on');
  expect(await sh('molly', 'fence_xvm -o list')).toMatchObject({ code: 0, stdout: own });
  for (const operation of ['status', 'off'])
    expect(await sh('molly', `fence_xvm -H nosuch -o ${operation}`)).toMatchObject({
      code: 3,
      stdout: 'Permission denied\n',
    });
  // Without it, about everybody.
  const conf = at('dom0', 'etc/fence_virt.conf');
  writeFileSync(conf, readFileSync(conf, 'utf8').replace(/^groups \{[^]*/m, ''));
  await sh('dom0', 'systemctl restart fence_virtd');
  expect(await sh('molly', 'fence_xvm -o list')).toMatchObject({
    code: 0,
    stdout:
      row('Domain-0', '00000000-0000-0000-0000-000000000000', 'on') +
      row('frederick', frederick, 'on') +
      row('molly', molly, 'on'),
  });
  expect(await sh('molly', 'fence_xvm -H frederick -o status')).toMatchObject({ code: 0, stdout: 'Status: ON\n' });
  expect(await sh('molly', 'fence_xvm -H nosuch -o status')).toMatchObject({ code: 2, stdout: 'Status: OFF\n' });
  expect(await sh('molly', 'fence_xvm -H nosuch -o off')).toMatchObject({ code: 1, stdout: 'Operation failed\n' });
});

test('keys that differ: a time-out, and the mismatch in the log', async () => {
  const world = await labThatIsUp();
  writeFileSync(world.at('molly', key), Buffer.alloc(4096, 7));
  const { code, stdout, log, verdict } = await aim(world);
  expect(code).toBe(1);
  expect(stdout).toContain(timedOut);
  expect(stdout).not.toContain('challenge');
  expect(verdict).toMatchObject({ passed: false, layer: 'request to dom0' });
  expect(log).toContain('Key mismatch; dropping packet');
});

test('two longer keys that differ after 4096 bytes are one key', async () => {
  const world = await labThatIsUp();
  const bytes = readFileSync(world.at('dom0', key));
  writeFileSync(world.at('molly', key), Buffer.concat([bytes, Buffer.from('more')]));
  expect((await aim(world)).verdict.passed).toBe(true);
});

test('no key in the guest: with -k a refusal, without it no authentication and a time-out', async () => {
  const world = await labThatIsUp();
  await world.sh('molly', `rm ${key}`);
  expect(await world.sh('molly', nullTest)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Invalid key file'),
  });
  const { stdout, log } = await aim(world, 'fence_xvm -H frederick -o null');
  expect(stdout).toBe(`Could not read ${key}; trying without authentication\n${timedOut}`);
  expect(log).toContain('Hash type not strong enough (0 < 2)');
});

test('a service that is down, or on the wrong bridge, does not answer; dom0 hears itself all the same', async () => {
  const world = await labThatIsUp();
  await world.sh('dom0', 'systemctl stop fence_virtd');
  expect(await aim(world)).toMatchObject({ code: 1, log: expect.not.stringContaining('Request') });
  const conf = world.at('dom0', 'etc/fence_virt.conf');
  writeFileSync(conf, readFileSync(conf, 'utf8').replace('"xenbr0"', '"eth0"'));
  expect(await world.sh('dom0', 'systemctl start fence_virtd')).toMatchObject({ code: 0 });
  expect((await aim(world)).stdout).toContain(timedOut);
  expect(await world.sh('dom0', 'fence_xvm -o list')).toMatchObject({ code: 0 });
});

test('the daemon keeps what it read when it started', async () => {
  const world = await labThatIsUp();
  for (const machine of ['dom0', 'molly']) writeFileSync(world.at(machine, key), Buffer.alloc(4096, 7));
  expect((await aim(world)).verdict.passed).toBe(false);
  await world.sh('dom0', 'systemctl restart fence_virtd');
  expect((await aim(world)).verdict.passed).toBe(true);
});

test('without its drop-in the daemon answers, and logs no request', async () => {
  const world = await labThatIsUp();
  await world.sh('dom0', 'rm -r /etc/systemd/system/fence_virtd.service.d');
  const stale = await world.sh('dom0', 'systemctl restart fence_virtd');
  expect(stale.stderr).toContain("Run 'systemctl daemon-reload' to reload units.");
  expect((await aim(world)).log).toContain('Request'); // systemd started what it had loaded
  await world.sh('dom0', 'systemctl daemon-reload');
  await world.sh('dom0', 'systemctl restart fence_virtd');
  const { verdict, log } = await aim(world);
  expect(verdict.passed).toBe(true);
  expect(log).toBe('-- No entries --\n');
});

test('it does not start without a key, on a foreign hypervisor, or with a configuration that cannot be read', async () => {
  const world = await labThatIsUp();
  const conf = world.at('dom0', 'etc/fence_virt.conf');
  const right = readFileSync(conf, 'utf8');
  await world.sh('dom0', 'rm -r /etc/systemd/system/fence_virtd.service.d');
  await world.sh('dom0', 'systemctl daemon-reload');
  for (const wrong of [
    right.replace('xen:///system', 'qemu:///system'),
    right.replace('key"', 'none"'),
    right.replace('";', '"'),
  ]) {
    writeFileSync(conf, wrong);
    const { code, stderr } = await world.sh('dom0', 'systemctl restart fence_virtd');
    expect(code).toBe(1);
    expect(stderr).toContain('Job for fence_virtd.service failed because the control process exited with error code.');
    expect(await world.sh('dom0', 'systemctl is-active fence_virtd')).toMatchObject({ code: 3, stdout: 'failed\n' });
  }
});

test('fence_xvm off and on are a power cut and a boot', async () => {
  const { sh } = await labThatIsUp();
  expect(await sh('molly', 'fence_xvm -H frederick -o off')).toMatchObject({ code: 0, stdout: '' });
  expect(await sh('dom0', 'virsh domstate frederick')).toMatchObject({ stdout: 'shut off\n\n' });
  expect(await sh('molly', 'fence_xvm -H frederick -o on')).toMatchObject({ code: 0 });
  expect(await sh('dom0', 'virsh domid frederick')).toMatchObject({ stdout: '3\n\n' });
});

test('a guest that loses its power with its cluster running is fenced by the other, which leaves it off', async () => {
  const { sh } = await labThatIsUp();
  await sh('dom0', 'virsh destroy frederick');
  expect(await sh('dom0', 'virsh domstate frederick')).toMatchObject({ stdout: 'shut off\n\n' });
  expect((await sh('molly', 'stonith_admin -H frederick')).stdout).toContain("'reboot' targeting frederick");
});

test('a guest whose cluster was stopped first is not', async () => {
  const { sh } = await labThatIsUp();
  for (const unit of ['pacemaker', 'corosync']) await sh('frederick', `systemctl stop ${unit}`);
  await sh('dom0', 'virsh destroy frederick');
  expect(await sh('molly', 'stonith_admin -H frederick')).toMatchObject({ code: 0, stdout: '' });
});

test('groups{}: null passes all the same, the list is empty, the rest is refused (measured)', async () => {
  const world = await labThatIsUp();
  const conf = world.at('dom0', '/etc/fence_virt.conf');
  const groups = 'groups { group { ip = "127.0.0.1"; uuid = "frederick"; } }\n';
  writeFileSync(conf, readFileSync(conf, 'utf8').replace(/^groups \{[^]*/m, groups));
  await world.sh('dom0', 'systemctl restart fence_virtd');
  expect((await aim(world)).verdict.passed).toBe(true);
  const ask = `fence_xvm -k ${key} -H frederick -o`;
  expect(await world.sh('molly', `${ask} list`)).toMatchObject({ code: 0, stdout: '' });
  expect((await world.sh('dom0', `${ask} list`)).stdout).toMatch(/^frederick +\S+ on\n$/);
  for (const operation of ['status', 'off'])
    expect(await world.sh('molly', `${ask} ${operation}`)).toMatchObject({ code: 3, stdout: 'Permission denied\n' });
  expect((await world.sh('dom0', `${ask} status`)).code).toBe(0);
});

test.each([
  ['"xenbr0"', '"labtest9"', 'Failed to bind multicast receive socket to 225.0.0.12: No such device'],
  ['"ipv4"', '"ipv6"', 'Failed to add multicast to socket 225.0.0.12: Invalid argument'],
])('%s turned into %s ends fence_virtd, as measured', async (from, to, says) => {
  const world = await labThatIsUp();
  const conf = world.at('dom0', '/etc/fence_virt.conf');
  writeFileSync(conf, readFileSync(conf, 'utf8').replace(from, to));
  await world.sh('dom0', 'systemctl restart fence_virtd');
  expect((await world.sh('dom0', 'systemctl is-active fence_virtd')).stdout).toBe('failed\n');
  expect((await world.sh('dom0', 'journalctl -u fence_virtd -o cat --no-pager -n 6')).stdout).toContain(says);
});
