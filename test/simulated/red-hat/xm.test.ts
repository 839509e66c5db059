import { writeFileSync } from 'node:fs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { clockStands } from '../world.ts';
import { aMoment, domainFile, freshWorld, guestsThatRun, openWorld } from './world.ts';

test('xm tells what runs', async () => {
  const { sh } = await guestsThatRun();
  const { stdout } = await sh('dom0', 'xm list');
  expect(stdout).toMatch(/^Name +ID Mem\(MiB\) VCPUs State +Time\(s\)\nDomain-0 +0 +3072 +2 r----- +\d+\.\d\n/);
  expect(stdout).toMatch(/^molly +\d+ +256 +1 -b---- +31\.0$/m);
  const long = (await sh('dom0', 'xm list --long')).stdout;
  expect(long).toContain('    (name molly)\n');
  expect(long).toContain('    (uuid 8d1a8210-69de-4c55-8cf8-deb2356fc7b2)\n');
  expect(long).toMatch(/\(device\n +\(vif\n[^)]*\)[^]*?\(mac 00:16:3e:00:cf:fe\)/);
  expect(long).toContain('(uname tap:aio:/guests/molly.img)');
  const free = (await sh('dom0', 'xm info')).stdout;
  expect(free).toMatch(/^free_memory +: 4374$/m);
  await sh('dom0', 'xm destroy molly');
  expect((await sh('dom0', 'xm info')).stdout).toMatch(/^free_memory +: 4632$/m);
});

test.each([
  ['xm list nosuch', "Error: Domain 'nosuch' does not exist.\n"],
  ['xm destroy nosuch', "Error: Domain 'nosuch' does not exist.\n"],
  ['xm create /etc/xen/nosuch', 'Error: Unable to open config file: /etc/xen/nosuch\n'],
  ['xm frobnicate', 'Error: Subcommand frobnicate not found!\n'],
  ['xm console molly', 'xenconsole: '],
])('%s', async (line, stderr) => {
  const { sh } = await guestsThatRun();
  expect(await sh('dom0', line)).toMatchObject({ code: 1, stderr: expect.stringContaining(stderr) });
});

test('xend must run', async () => {
  const { sh } = await freshWorld();
  expect(await sh('dom0', 'service xend stop')).toMatchObject({ code: 0 });
  expect(await sh('dom0', 'xm list')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'Error: Unable to connect to xend: Connection refused. Is xend running?\n',
  });
});

const uuid = '6f7a6a9e-4f0c-4a42-9f6e-0c62f8d8a5b1';

test('what xm create refuses, in its words', async () => {
  const { sh, at } = await guestsThatRun();
  const id = (await sh('dom0', 'xm domid molly')).stdout.trim();
  const create = async (text: string) => {
    writeFileSync(at('dom0', 'etc/xen/felix'), text);
    return (await sh('dom0', 'xm create /etc/xen/felix')).stderr;
  };
  const felix = (disks = '') => domainFile('felix', uuid, '00:16:3e:00:aa:01', disks);
  expect((await sh('dom0', 'xm create molly')).stderr).toBe(`Error: Domain 'molly' already exists with ID '${id}'\n`);
  expect(await create(felix())).toBe("Error: Disk isn't accessible\n");
  await sh('dom0', 'dd if=/dev/null of=/guests/felix.img bs=1 count=0 seek=1048576');
  expect(await create(felix())).toBe("Error: Boot loader didn't return any data!\n");
  await sh('dom0', 'cp --sparse=always /guests/default.img /guests/felix.img');
  expect(await create(felix(', "tap:aio:/guests/nosuch.dsk,xvdb,w!"'))).toBe(
    'Error: Device 51728 (tap) could not be connected. /guests/nosuch.dsk does not exist.\n',
  );
  expect(await create(felix().replace('memory = 256', 'memory = 16384'))).toBe(
    "Error: (12, 'Cannot allocate memory')\n",
  );
  expect(await create(felix().replace('xenbr0', 'xenbr9'))).toContain('Could not find bridge device xenbr9');
  expect(await create(felix().replace(uuid, '8d1a8210-69de-4c55-8cf8-deb2356fc7b2'))).toContain(
    "Domain 'molly' already",
  );
  expect(await create(felix(', "tap:aio:/guests/molly.img,xvdb,w"'))).toContain('is mounted in a guest domain');
  expect(await create(felix().replace('"felix"', '"fe" + "lix"'))).toContain('invalid syntax');
  await sh('dom0', 'mount -o loop,offset=32256 /guests/felix.img /mnt');
  expect(await create(felix())).toContain('is loopback-mounted through /dev/loop0');
  await sh('dom0', 'umount /mnt');
  expect(await create(felix())).toBe('');
  expect(await sh('dom0', 'xm list felix')).toMatchObject({ code: 0 });
});

test('two domains write one disk with w!', async () => {
  const { sh, at } = await guestsThatRun();
  await sh('dom0', 'dd if=/dev/null of=/guests/shared.dsk bs=1 count=0 seek=1048576');
  for (const [name, mac] of [
    ['molly', '00:16:3e:00:cf:fe'],
    ['frederick', '00:16:3e:00:cf:ff'],
  ] as const) {
    await sh('dom0', `xm destroy ${name}`);
    const id = name === 'molly' ? uuid : uuid.replace('6f7', '7f7');
    writeFileSync(at('dom0', `etc/xen/${name}`), domainFile(name, id, mac, ', "tap:aio:/guests/shared.dsk,xvdb,w!"'));
    expect(await sh('dom0', `xm create ${name}`)).toEqual({
      code: 0,
      stdout: `Using config file "/etc/xen/${name}".\nStarted domain ${name}\n`,
      stderr: '',
    });
  }
});

test('create, killed midway: the domain is there, paused, and boots when it is unpaused', async () => {
  const world = await guestsThatRun();
  await world.sh('dom0', 'xm destroy molly');
  const death = () => {
    throw new Error('killed');
  };
  const run = world.hosts.host('dom0').run(['xm', 'create', '/etc/xen/molly'], { midway: death });
  await expect(run).rejects.toThrow('killed');
  const after = openWorld(world.directory);
  await aMoment();
  expect((await after.sh('dom0', 'xm list molly')).stdout).toContain('--p---');
  expect(await after.sh('molly', 'true')).toMatchObject({ code: 255 });
  expect(await after.sh('dom0', 'xm unpause molly')).toMatchObject({ code: 0 });
  await aMoment();
  expect(await after.sh('molly', 'true')).toMatchObject({ code: 0 });
});

test('a boot takes its time, and sshd answers before it is over', async () => {
  const world = await guestsThatRun();
  const slow = openWorld(world.directory, 400);
  await slow.sh('dom0', 'xm destroy molly');
  await slow.sh('dom0', 'xm create molly');
  // By a clock of its own, 20 ms a round: a busy machine would miss a stage.
  const [began, clock] = [Date.now(), vi.spyOn(Date, 'now')];
  onTestFinished(() => clock.mockRestore());
  const seen = new Set<string>();
  for (let n = 0; n < 60 && !seen.has('0 0 0'); n++) {
    clock.mockReturnValue(began + 20 * n);
    const ping = await slow.sh('dom0', 'ping -c 1 -W 2 192.168.77.11');
    const scan = (await slow.sh('dom0', 'ssh-keyscan -T 3 -t rsa 192.168.77.11')).stdout === '' ? 1 : 0;
    const local = await slow.hosts
      .host('molly')
      .stat('/var/lock/subsys/local')
      .catch(() => undefined);
    seen.add(`${ping.code} ${scan} ${local ? 0 : 1}`);
  }
  expect([...seen]).toEqual(['1 1 1', '0 1 1', '0 0 1', '0 0 0']);
});

test('a shutdown takes a moment; a paused domain does not hear of it', async () => {
  const { sh } = await guestsThatRun();
  const goOn = clockStands();
  await sh('dom0', 'xm shutdown molly');
  expect((await sh('dom0', 'xm list molly')).stdout).toContain('---s--');
  goOn();
  await aMoment();
  expect((await sh('dom0', 'xm list molly')).code).toBe(1);
  await sh('dom0', 'xm pause frederick');
  await sh('dom0', 'xm shutdown frederick');
  await aMoment();
  expect((await sh('dom0', 'xm list frederick')).stdout).toContain('--p---');
});
